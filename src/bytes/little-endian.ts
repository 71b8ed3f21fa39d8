/** What the higher half of a 64-bit number counts. */
export const TWO_32 = 2 ** 32;

/** The unsigned 32-bit integer at `buffer[at, at + 4)`. Faster than `readUInt32LE`, which checks its argument. Hot. */
export function uint32At(buffer: Buffer, at: number): number {
  return (buffer[at] | (buffer[at + 1] << 8) | (buffer[at + 2] << 16) | (buffer[at + 3] << 24)) >>> 0;
}

/** Writes the low 32 bits of an integer to `buffer[at, at + 4)`. Hot. */
export function writeUint32(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value;
  buffer[at + 1] = value >>> 8;
  buffer[at + 2] = value >>> 16;
  buffer[at + 3] = value >>> 24;
}
