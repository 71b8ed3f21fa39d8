import { CommandError } from '../protocol/errors.js';
import { lineFeed } from '../protocol/resp-bytes.js';
import { ScriptFlag, scriptFlag } from './script-flags.js';

/** A script's code without its `#!` line; the line's end stays, so that lines keep their numbers. */
export interface ScriptSource {
  code: Buffer;
  /** Bits of ScriptFlag. */
  flags: number;
}

/** Reads the `#!lua flags=...` line of a script for EVAL, if it has one. Throws CommandError. */
export function readScriptHeader(body: Buffer): ScriptSource {
  if (!hasHeader(body)) return { code: body, flags: ScriptFlag.compatible };
  const end = body.indexOf(lineFeed);
  if (end < 0) throw new CommandError('ERR Invalid script shebang');
  const [engine, ...options] = words(body.toString('latin1', 0, end));
  if (engine !== '#!lua') throw new CommandError(`ERR Unexpected engine in script shebang: ${engine}`);
  let flags = 0;
  for (const option of options) flags |= readOption(option);
  return { code: body.subarray(end), flags };
}

function readOption(option: string): number {
  if (!option.startsWith('flags=')) throw new CommandError(`ERR Unknown lua shebang option: ${option}`);
  let flags = 0;
  for (const name of option.slice('flags='.length).split(',')) {
    if (name === '') continue;
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
  const end = body.indexOf(lineFeed);
  const parts = end < 0 ? undefined : quotedWords(body.toString('latin1', 2, end));
  if (parts === undefined) throw new CommandError('ERR Invalid library metadata');
  // A blank after `#!` leaves the engine's name empty.
  const engine = /^[ \t]/.test(body.toString('latin1', 2, 3)) ? '' : (parts.shift() ?? '');
  const name = readName(parts);
  if (engine.toLowerCase() !== 'lua') throw new CommandError(`ERR Engine '${engine}' not found`);
  if (name === undefined) throw new CommandError('ERR Library name was not given');
  checkName(name);
  return { name, code: body.subarray(end) };
}

function readName(options: string[]): string | undefined {
  let name: string | undefined;
  for (const option of options) {
    if (!/^name=/i.test(option)) throw new CommandError(`ERR Invalid metadata value given: ${option}`);
    if (name !== undefined)
      throw new CommandError('ERR Invalid metadata value, name argument was given multiple times');
    name = option.slice('name='.length);
  }
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

function words(line: string): string[] {
  return line.split(' ').filter((word) => word !== '');
}

/** Words separated by blanks; in double quotes with backslash escapes, in single quotes as they are. */
function quotedWords(line: string): string[] | undefined {
  const found: string[] = [];
  const word =
    /\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s"']+(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')?))(?=\s|$)|\s+$/sy;
  while (word.lastIndex < line.length) {
    const match = word.exec(line);
    if (match === null) return undefined;
    const text = match[1] ?? match[2] ?? match[3];
    if (text !== undefined) found.push(match[3] === undefined ? unescaped(text) : withoutQuotes(text));
  }
  return found;
}

function unescaped(text: string): string {
  const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };
  return text.replace(/\\(x[0-9a-fA-F]{2}|.)/gs, (_, escaped: string) =>
    escaped.length === 3
      ? String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
      : (escapes[escaped] ?? escaped),
  );
}

/** `name="foo"` */
function withoutQuotes(text: string): string {
  const quoted = /^([^"']+)(["'])(.*)\2$/s.exec(text);
  return quoted === null ? text : quoted[1] + unescaped(quoted[3]);
}
