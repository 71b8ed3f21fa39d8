/**
 * Bytes that a packed collection (listpack, intset) lives in and that somebody else owns: an entry's payload
 * in the arena, a block of a quicklist node. The collection knows nothing of refs and blocks; it reads and
 * writes `buffer[offset, offset + length)` and asks its owner for more or less of it.
 *
 * The owner is one reusable object: pointing it at another collection is a matter of three fields, so working
 * on a collection allocates nothing.
 */
export interface PackedBytes {
  /** The buffer that holds the collection. Changes when the owner moves it. */
  readonly buffer: Buffer;
  /** Where in the buffer the collection begins. */
  readonly offset: number;
  /** The collection's bytes, exactly. */
  readonly length: number;
  /** Called before any byte changes, unless `resize` comes first. */
  beforeChange(): void;
  /**
   * Makes the collection that many bytes long. The bytes that both lengths have in common are kept; `buffer`,
   * `offset` and `length` are up to date afterwards. Throws only when growing, and then nothing has changed.
   */
  resize(length: number): void;
}

const SHORT_MOVE = 64;

/**
 * Replaces `removed` bytes at `at` (from the collection's beginning) by room for `inserted` bytes, which the
 * caller fills. Throws what the owner throws, and then nothing has changed.
 */
export function splice(owner: PackedBytes, at: number, removed: number, inserted: number): void {
  const oldLength = owner.length;
  const growth = inserted - removed;
  owner.beforeChange();
  if (growth === 0) return;
  if (growth > 0) owner.resize(oldLength + growth);
  const { buffer, offset } = owner;
  moveBytes(buffer, offset + at + inserted, offset + at + removed, oldLength - at - removed);
  if (growth < 0) owner.resize(oldLength + growth);
}

/**
 * Moves bytes within a buffer; the ranges may overlap. Short moves by hand: the call costs more than they do.
 */
function moveBytes(buffer: Buffer, to: number, from: number, length: number): void {
  if (length > SHORT_MOVE) buffer.copyWithin(to, from, from + length);
  else if (to < from) for (let i = 0; i < length; i++) buffer[to + i] = buffer[from + i];
  else for (let i = length - 1; i >= 0; i--) buffer[to + i] = buffer[from + i];
}
