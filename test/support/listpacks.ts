import { Bytes } from '../../src/bytes/bytes.js';
import { Listpack } from '../../src/memory/listpack.js';
import { EMPTY_LISTPACK_LENGTH, writeEmptyListpack } from '../../src/memory/listpack-format.js';
import { HeapBytes } from './heap-bytes.js';

/** A listpack and the bytes it is in. */
export interface OwnedListpack {
  owner: HeapBytes;
  listpack: Listpack;
}

export function emptyListpack(): OwnedListpack {
  const owner = HeapBytes.of(Buffer.alloc(EMPTY_LISTPACK_LENGTH));
  writeEmptyListpack(owner.buffer, owner.offset);
  return { owner, listpack: new Listpack(owner) };
}

export function listpackOf(elements: string[]): OwnedListpack {
  const made = emptyListpack();
  for (const element of elements) made.listpack.append(Bytes.of(element));
  return made;
}
