import { Bytes } from '../bytes/bytes.js';
import { absent } from '../keyspace/database.js';
import { encodingNames } from '../keyspace/kinds.js';
import { END, elementLength, HEADER_LENGTH, isIntegerAt, readElement } from '../memory/listpack-format.js';
import { CommandError, errors, excerpt } from '../protocol/errors.js';
import type { Call } from './command.js';

/** DEBUG LISTPACK: writes the elements of a key's listpack to the server's log. */
export function debugListpack({ database, server, args, reply }: Call): void {
  const ref = database.peek(args[2]);
  if (ref === absent) throw new CommandError(errors.noSuchKey);
  const encoding = encodingNames.get(database.kindOf(ref));
  if (encoding !== 'listpack' && encoding !== 'listpackex') {
    throw new CommandError('ERR Not a listpack encoded object.');
  }
  const { buffer, start, end } = database.payload(ref);
  for (const line of describeListpack(buffer, start, end)) server.log.notice(line);
  reply.simple('Listpack structure written to the log');
}

/** A line for the whole of a valid listpack, then one for each element. */
function describeListpack(buffer: Buffer, start: number, end: number): string[] {
  const view = Bytes.of('');
  const lines: string[] = [];
  for (let at = start + HEADER_LENGTH; buffer[at] !== END; at += elementLength(buffer, at)) {
    readElement(buffer, at, view);
    const kind = isIntegerAt(buffer, at) ? 'integer' : `string of ${view.length} bytes`;
    lines.push(
      `element ${lines.length} at ${at - start}: ${elementLength(buffer, at)} bytes, ${kind}: ${JSON.stringify(excerpt(view))}`,
    );
  }
  return [`listpack: ${end - start} bytes, ${lines.length} elements`, ...lines];
}
