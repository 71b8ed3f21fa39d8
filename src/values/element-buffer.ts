import { Bytes } from '../bytes/bytes.js';
import type { VisitElement } from './collection.js';

const HEADER_BYTES = 16; // u32 length of the name, u32 length of the value, f64 number
const CHUNK_BYTES = 64 * 1024;

const name = new Bytes();
const value = new Bytes();

/** Copies of elements, one behind the other, taken out in the order in which they came. */
export class ElementBuffer {
  /** Memory that the copies take, and of all copies there ever were. */
  bytes = 0;
  copiedBytes = 0;
  private chunks: { buffer: Buffer; used: number }[] = [];
  private position = 0;

  readonly add: VisitElement = (elementName, elementValue, number) => {
    const length = HEADER_BYTES + elementName.length + elementValue.length;
    const chunk = this.chunkFor(length);
    const { buffer } = chunk;
    let at = buffer.writeUInt32LE(elementName.length, chunk.used);
    at = buffer.writeUInt32LE(elementValue.length, at);
    at = buffer.writeDoubleLE(number, at);
    at += elementName.buffer.copy(buffer, at, elementName.start, elementName.end);
    at += elementValue.buffer.copy(buffer, at, elementValue.start, elementValue.end);
    chunk.used = at;
    this.copiedBytes += length;
  };

  /** Takes out up to `budget` elements. Returns how many there were. */
  take(budget: number, visit: VisitElement): number {
    let taken = 0;
    while (taken < budget && this.chunks.length > 0) {
      const { buffer, used } = this.chunks[0];
      while (taken < budget && this.position < used) {
        this.takeOne(buffer, visit);
        taken++;
      }
      if (this.position === used) this.dropChunk();
    }
    return taken;
  }

  private takeOne(buffer: Buffer, visit: VisitElement): void {
    const at = this.position;
    name.buffer = value.buffer = buffer;
    name.start = at + HEADER_BYTES;
    name.end = value.start = name.start + buffer.readUInt32LE(at);
    value.end = value.start + buffer.readUInt32LE(at + 4);
    this.position = value.end;
    visit(name, value, buffer.readDoubleLE(at + 8));
  }

  private dropChunk(): void {
    this.bytes -= this.chunks[0].buffer.length;
    this.chunks.shift();
    this.position = 0;
  }

  private chunkFor(length: number): { buffer: Buffer; used: number } {
    const last = this.chunks.at(-1);
    if (last !== undefined && last.used + length <= last.buffer.length) return last;
    const chunk = { buffer: Buffer.allocUnsafeSlow(Math.max(length, CHUNK_BYTES)), used: 0 };
    this.chunks.push(chunk);
    this.bytes += chunk.buffer.length;
    return chunk;
  }

  clear(): void {
    this.chunks = [];
    this.position = this.bytes = 0;
  }
}
