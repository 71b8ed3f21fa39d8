import { Bytes } from '../../src/bytes/bytes.js';
import { StreamCommands } from '../../src/persistence/stream-commands.js';
import type { Stream } from '../../src/values/stream.js';
import { StreamImage } from '../../src/values/stream-image.js';

/** The commands that make a stream, word by word. */
export function streamCommands(key: Bytes, stream: Stream): (string | number)[][] {
  const image = new StreamImage(stream);
  const commands = new StreamCommands(key, image);
  const said: (string | number)[][] = [];
  const say = (some: Iterable<(Bytes | string | number)[]>) => {
    for (const parts of some) said.push(parts.map((part) => (part instanceof Bytes ? part.latin1() : part)));
  };
  say(commands.begin());
  while (!image.visitSome(7, (_, listpack, part) => say(commands.ofPart(part, listpack))));
  return said;
}

/** What there is to know of a stream and its groups. `byCommands`: without what commands cannot tell. */
export function streamState(stream: Stream, byCommands = false): string {
  const commands = streamCommands(Bytes.of('s'), stream);
  const ids = new Set(commands.filter(([name]) => name === 'XADD').map((words) => words[2]));
  const lines: unknown[] = commands.filter(
    ([name, ...words]) => !byCommands || name !== 'XCLAIM' || ids.has(words[4]),
  );
  lines.push(stream.firstId.toString(), stream.size);
  for (const group of stream.sortedGroups()) {
    for (const { name, seenTime, activeTime, pending } of group.sortedConsumers())
      lines.push(byCommands ? name : [name, seenTime, activeTime, pending.size]);
  }
  return JSON.stringify(lines);
}
