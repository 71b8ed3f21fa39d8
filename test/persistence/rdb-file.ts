import { Bytes } from '../../src/bytes/bytes.js';
import { Crc64 } from '../../src/bytes/crc64.js';
import { digestOf } from '../../src/keyspace/digest.js';
import type { Keyspace } from '../../src/keyspace/keyspace.js';
import { loadRdbAtOnce } from '../../src/persistence/load-rdb.js';
import type { RdbLoadOptions, RdbSummary } from '../../src/persistence/rdb-load.js';
import { newKeyspace } from '../support/keyspace.js';
import { MemorySource } from '../support/memory-source.js';
import { usualLimits } from './target.js';

export type Part = number | string | Buffer | Part[];

/** Bytes of numbers, texts (latin1) and buffers, one after the other. */
export function bytes(...parts: Part[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'number') return Buffer.from([part]);
      if (typeof part === 'string') return Buffer.from(part, 'latin1');
      return Array.isArray(part) ? bytes(...part) : part;
    }),
  );
}

/** A string as a file has it. */
export function string(text: string | Buffer): Buffer {
  const data = bytes(text);
  if (data.length < 64) return bytes(data.length, data);
  const length = Buffer.alloc(5);
  length[0] = 0x80;
  length.writeUInt32BE(data.length, 1);
  return bytes(length, data);
}

export function uint16(n: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16LE(n);
  return buffer;
}

export function uint32(n: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(n);
  return buffer;
}

export function int64(n: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64LE(BigInt(n));
  return buffer;
}

export function double(n: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeDoubleLE(n);
  return buffer;
}

/** A listpack of short strings and of integers from 0 to 127. */
export function listpack(...elements: (string | number)[]): Buffer {
  const body = bytes(
    ...elements.map((element) =>
      typeof element === 'number' ? [element, 1] : [0x80 | element.length, element, element.length + 1],
    ),
  );
  return bytes(uint32(body.length + 7), uint16(elements.length), body, 0xff);
}

/** A ziplist of short strings. */
export function ziplist(...elements: string[]): Buffer {
  let before = 0;
  const parts = elements.map((element) => {
    const part = bytes(before, element.length, element);
    before = part.length;
    return part;
  });
  const body = bytes(...parts);
  return bytes(
    uint32(body.length + 11),
    uint32(10 + body.length - before),
    uint16(elements.length),
    body,
    0xff,
  );
}

/** A file of records, with its checksum. */
export function rdbFile(version: number, ...records: Part[]): Buffer {
  const body = bytes('REDIS', String(version).padStart(4, '0'), ...records, 0xff);
  if (version < 5) return body;
  const checksum = Buffer.alloc(8);
  new Crc64().update(body).write(checksum, 0);
  return bytes(body, checksum);
}

export const usualOptions: RdbLoadOptions = {
  limits: usualLimits,
  dropExpired: true,
  duplicates: 'refuse',
  checksum: true,
};

export interface Loaded {
  keyspace: Keyspace;
  summary: RdbSummary;
  digest: string;
}

/** Loads a file into a new keyspace. */
export function load(file: Buffer, options: Partial<RdbLoadOptions> = {}, databases = 16): Loaded {
  const { keyspace } = newKeyspace(databases);
  const summary = loadRdbAtOnce(keyspace, new MemorySource(file), { ...usualOptions, ...options });
  return { keyspace, summary, digest: digestOf(keyspace) };
}

export const key = (name: string): Bytes => Bytes.of(name);
