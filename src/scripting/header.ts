import { splitWords } from '../bytes/words.js';
import { CommandError } from '../protocol/errors.js';
import { lineFeed } from '../protocol/resp-bytes.js';
import { ScriptFlag, scriptFlag } from './script-flags.js';

/** A script's code without its `#!` line; the line's end stays, so that lines keep their numbers. */
export interface ScriptSource {
  code: Buffer;
  /** Bits of ScriptFlag. */
  flags: number;
}

/** Redis has no limit; but splitting a line takes much memory for a moment. */
const maxHeaderLength = 1024 * 1024;

/** Reads the `#!lua flags=...` line of a script for EVAL, if it has one. Throws CommandError. */
export function readScriptHeader(body: Buffer): ScriptSource {
  if (!hasHeader(body)) return { code: body, flags: ScriptFlag.compatible };
  const end = endOfHeader(body);
  if (end < 0) throw new CommandError('ERR Invalid script shebang');
  const parts = splitWords(body.toString('latin1', 0, end));
  if (parts === null) throw new CommandError('ERR Invalid engine in script shebang');
  const [engine, ...options] = parts;
  if (engine !== '#!lua') throw new CommandError(`ERR Unexpected engine in script shebang: ${engine}`);
  let flags = 0;
  for (const option of options) flags |= readOption(option);
  return { code: body.subarray(end), flags };
}

function readOption(option: string): number {
  if (!option.startsWith('flags=')) throw new CommandError(`ERR Unknown lua shebang option: ${option}`);
  let flags = 0;
  const names = option.slice('flags='.length);
  if (names === '') return flags;
  for (const name of names.split(',')) {
    const flag = scriptFlag(name);
    if (flag === undefined) throw new CommandError(`ERR Unexpected flag in script shebang: ${name}`);
    flags |= flag;
  }
  return flags;
}

/** The code of a library and what its first line says. */
export interface LibrarySource {
  name: string;
  code: Buffer;
}

/** Reads the `#!lua name=...` line of a library for FUNCTION LOAD. Throws CommandError. */
export function readLibraryHeader(body: Buffer): LibrarySource {
  if (!hasHeader(body)) throw new CommandError('ERR Missing library metadata');
  const end = endOfHeader(body);
  const parts = end < 0 ? null : splitWords(body.toString('latin1', 0, end));
  if (parts === null) throw new CommandError('ERR Invalid library metadata');
  const engine = parts[0].slice('#!'.length);
  const name = readName(parts.slice(1));
  checkName(name);
  if (engine.toLowerCase() !== 'lua') throw new CommandError(`ERR Engine '${engine}' not found`);
  return { name, code: body.subarray(end) };
}

function readName(options: string[]): string {
  let name: string | undefined;
  for (const option of options) {
    if (!/^name=/i.test(option)) throw new CommandError(`ERR Invalid metadata value given: ${option}`);
    if (name !== undefined)
      throw new CommandError('ERR Invalid metadata value, name argument was given multiple times');
    name = option.slice('name='.length);
  }
  if (name === undefined) throw new CommandError('ERR Library name was not given');
  return name;
}

export const badName =
  'Library names can only contain letters, numbers, or underscores(_) and must be at least one character long';

/** Libraries and functions are named alike. */
export function isValidName(name: string): boolean {
  return /^[A-Za-z0-9_]+$/.test(name);
}

function checkName(name: string): void {
  if (!isValidName(name)) throw new CommandError(`ERR ${badName}`);
}

function hasHeader(body: Buffer): boolean {
  return body.length >= 2 && body[0] === 0x23 && body[1] === 0x21;
}

/** Where the first line ends; -1 if it does not, or is longer than any header needs to be. */
function endOfHeader(body: Buffer): number {
  return body.subarray(0, maxHeaderLength + 1).indexOf(lineFeed);
}
