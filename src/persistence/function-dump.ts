import { Bytes } from '../bytes/bytes.js';
import { Crc64 } from '../bytes/crc64.js';
import { CommandError } from '../protocol/errors.js';
import { isIntact } from './dump-payload.js';
import { RdbError, RdbReader } from './rdb-reader.js';
import { Opcode, setListpackVersion } from './rdb-types.js';
import { RdbWriter } from './rdb-writer.js';

const footerBytes = 10;
const checksumBytes = 8;

/** Libraries as FUNCTION DUMP gives them: each as in an RDB file, then the version of the format and a checksum. */
export function dumpFunctions(codes: readonly Buffer[]): Buffer {
  const writer = new RdbWriter(true);
  for (const code of codes) {
    writer.byte(Opcode.function2);
    writer.blob(code, 0, code.length);
  }
  writer.byte(setListpackVersion & 0xff);
  writer.byte(setListpackVersion >> 8);
  const checksum = Buffer.alloc(checksumBytes);
  new Crc64().update(writer.bytes).write(checksum, 0);
  writer.raw(checksum);
  return writer.bytes;
}

/** The libraries' code, from a payload. Throws CommandError. */
export function readFunctions(payload: Bytes): Buffer[] {
  if (!isIntact(payload)) throw new CommandError('ERR DUMP payload version or checksum are wrong');
  const body = new Bytes(payload.buffer, payload.start, payload.end - footerBytes).copy();
  const reader = new RdbReader(body.buffer);
  const codes: Buffer[] = [];
  try {
    while (!reader.done) {
      if (reader.byte() !== Opcode.function2) throw new CommandError('ERR given type is not a function');
      codes.push(reader.string().copy().buffer);
    }
  } catch (error) {
    if (error instanceof RdbError) throw new CommandError('ERR failed loading functions payload');
    throw error;
  }
  return codes;
}
