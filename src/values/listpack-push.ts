import type { Bytes } from '../bytes/bytes.js';
import {
  END,
  EncodedElement,
  HEADER_LENGTH,
  toldCount,
  writeListpackHeader,
} from '../memory/listpack-format.js';
import type { PackedBytes } from '../memory/packed-bytes.js';

const element = new EncodedElement();

/**
 * Pushes several byte strings, one after the other, at the beginning or the end of a listpack: with one
 * resize and at most one move for all of them.
 */
export function pushToListpack(
  memory: PackedBytes,
  args: Bytes[],
  from: number,
  to: number,
  atStart: boolean,
): void {
  let added = 0;
  for (let i = from; i < to; i++) added += element.set(args[i]).length;
  const oldLength = memory.length;
  memory.resize(oldLength + added);
  const { buffer, offset } = memory;
  if (atStart) {
    const begin = offset + HEADER_LENGTH;
    buffer.copyWithin(begin + added, begin, offset + oldLength);
    let at = begin;
    // A single element is encoded already.
    for (let i = to - 1; i >= from; i--)
      at = (to - from > 1 ? element.set(args[i]) : element).write(buffer, at);
  } else {
    let at = offset + oldLength - 1;
    for (let i = from; i < to; i++) at = (to - from > 1 ? element.set(args[i]) : element).write(buffer, at);
    buffer[at] = END;
  }
  const length = oldLength + added;
  // Once unknown, the count stays so.
  writeListpackHeader(buffer, offset, length, toldCount(buffer, offset) + to - from);
}
