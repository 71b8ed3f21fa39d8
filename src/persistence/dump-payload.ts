import type { Bytes } from '../bytes/bytes.js';
import { Crc64 } from '../bytes/crc64.js';
import type { Database } from '../keyspace/database.js';
import type { Ref } from '../memory/arena.js';
import { RdbReader } from './rdb-reader.js';
import { newestRdbVersion } from './rdb-types.js';
import { RdbWriter } from './rdb-writer.js';
import { readValue } from './read-value.js';
import { saveValue, versionFor } from './save-value.js';
import { discardValue, type SavedValue, type ValueTarget } from './saved-value.js';

/** Behind the value: the version of the format, 2 bytes, and the checksum of all before it, 8 bytes. */
const versionBytes = 2;
const checksumBytes = 8;
export const footerBytes = versionBytes + checksumBytes;

/** An entry's value as DUMP gives it: its form, itself, the version of the format, a checksum. */
export function dumpValue(database: Database, ref: Ref, wantedVersion: number, compress: boolean): Buffer {
  const version = versionFor(database, ref, wantedVersion);
  const writer = new RdbWriter(compress);
  saveValue(writer, database, ref, version);
  return sealed(writer, version);
}

/** What was written, with the footer that makes it a payload. */
export function sealed(writer: RdbWriter, version: number): Buffer {
  writer.byte(version & 0xff);
  writer.byte(version >> 8);
  const checksum = Buffer.alloc(checksumBytes);
  new Crc64().update(writer.bytes).write(checksum, 0);
  writer.raw(checksum);
  return writer.bytes;
}

/** True if a payload is of a version that can be read, and its checksum right, unless it is not looked at. */
export function isIntact({ buffer, start, end }: Bytes, skipChecksum = false): boolean {
  const body = end - checksumBytes;
  if (body - versionBytes < start) return false;
  if (buffer.readUInt16LE(body - versionBytes) > newestRdbVersion) return false;
  return skipChecksum || new Crc64().update(buffer, start, body).matches(buffer, body);
}

/** The value of an intact payload, for `storeValue`; views of the payload, but for what is built. Throws RdbError. */
export function readDump({ buffer, start, end }: Bytes, target: ValueTarget): SavedValue {
  const body = end - footerBytes;
  const reader = new RdbReader(buffer, start, body, body - start);
  reader.base = -start;
  const value = readValue(reader, reader.byte(), target);
  if (reader.done) return value;
  discardValue(value);
  throw reader.fail('more bytes than the value has');
}
