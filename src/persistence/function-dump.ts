import { Bytes } from '../bytes/bytes.js';
import { CommandError, errors } from '../protocol/errors.js';
import { footerBytes, isIntact, sealed } from './dump-payload.js';
import { RdbError, RdbReader } from './rdb-reader.js';
import { Opcode, setListpackVersion } from './rdb-types.js';
import { RdbWriter } from './rdb-writer.js';

/** Libraries as FUNCTION DUMP gives them: each as in an RDB file, then the version of the format and a checksum. */
export function dumpFunctions(codes: readonly Buffer[]): Buffer {
  const writer = new RdbWriter(true);
  for (const code of codes) {
    writer.byte(Opcode.function2);
    writer.blob(code, 0, code.length);
  }
  return sealed(writer, setListpackVersion);
}

/** The libraries' code, from a payload. Throws CommandError. */
export function readFunctions(payload: Bytes): Buffer[] {
  if (!isIntact(payload)) throw new CommandError(errors.brokenDump);
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
