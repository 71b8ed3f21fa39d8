import { Bytes } from '../bytes/bytes.js';
import { EMPTY_INTSET_LENGTH, type Int64, Intset, writeEmptyIntset } from '../memory/intset.js';
import {
  EMPTY_LISTPACK_LENGTH,
  END,
  EncodedElement,
  writeListpackHeader,
} from '../memory/listpack-format.js';
import type { PackedBytes } from '../memory/packed-bytes.js';

const usualBytes = 16 * 1024;

/** Memory in which a packed collection is built before it is stored. */
export class ScratchBytes implements PackedBytes {
  buffer = Buffer.allocUnsafeSlow(usualBytes);
  readonly offset = 0;
  length = 0;

  beforeChange(): void {}

  resize(length: number): void {
    if (length > this.buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, this.buffer.length * 2));
      this.buffer.copy(larger, 0, 0, this.length);
      this.buffer = larger;
    }
    this.length = length;
  }

  /** Its bytes, valid until the next use. */
  view(): Bytes {
    return new Bytes(this.buffer, 0, this.length);
  }

  /** Gives back what an unusually large collection needed. */
  trim(): void {
    if (this.buffer.length > usualBytes) this.buffer = Buffer.allocUnsafeSlow(usualBytes);
  }
}

/** Writes a listpack element by element. One after the other can be built in the same memory. */
export class ListpackBuilder {
  count = 0;
  private readonly memory = new ScratchBytes();
  private readonly element = new EncodedElement();

  reset(): this {
    this.memory.trim();
    this.memory.resize(EMPTY_LISTPACK_LENGTH);
    this.count = 0;
    return this;
  }

  append(bytes: Bytes): void {
    const { memory, element } = this;
    element.set(bytes);
    const at = memory.length - 1;
    memory.resize(memory.length + element.length);
    element.write(memory.buffer, at);
    this.count++;
  }

  appendInteger(n: number): void {
    const { memory, element } = this;
    element.setInteger(n);
    const at = memory.length - 1;
    memory.resize(memory.length + element.length);
    element.write(memory.buffer, at);
    this.count++;
  }

  /** The listpack, valid until the next `reset`. */
  finish(): Bytes {
    const { buffer, length } = this.memory;
    writeListpackHeader(buffer, 0, length, this.count);
    buffer[length - 1] = END;
    return this.memory.view();
  }
}

const intsetBytes = new ScratchBytes();
const intset = new Intset(intsetBytes);

/** An intset of integers in any order, valid until the next; undefined if one is there twice. */
export function buildIntset(members: Iterable<Int64>): Bytes | undefined {
  intsetBytes.trim();
  intsetBytes.resize(EMPTY_INTSET_LENGTH);
  writeEmptyIntset(intsetBytes.buffer, 0);
  for (const member of members) if (!intset.add(member)) return undefined;
  return intsetBytes.view();
}
