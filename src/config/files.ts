import { readdirSync } from 'node:fs';
import { isAbsolute, join, parse, resolve } from 'node:path';
import { Bytes } from '../bytes/bytes.js';
import { globMatch } from '../bytes/glob.js';

/**
 * Configuration text is bytes in latin1 strings, as all data here; names of files are text. These two
 * translate, so that a path in UTF-8 survives.
 */
export function pathFromConfig(value: string): string {
  return Buffer.from(value, 'latin1').toString('utf8');
}

/** The opposite of `pathFromConfig`; also for arguments of the command line. */
export function configFromText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

const systemErrors: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  ENOTDIR: 'Not a directory',
  EISDIR: 'Is a directory',
  EACCES: 'Permission denied',
  EPERM: 'Operation not permitted',
  EROFS: 'Read-only file system',
  ENOSPC: 'No space left on device',
  EMFILE: 'Too many open files',
  ENAMETOOLONG: 'File name too long',
  ELOOP: 'Too many levels of symbolic links',
  EADDRINUSE: 'Address already in use',
  ENOTFOUND: 'Name or service not known',
  EADDRNOTAVAIL: 'Cannot assign requested address',
};

/** The words of the C library for a failed system call, which Redis's messages contain. */
export function systemErrorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  return code === '' ? error.message : systemErrorOf(code);
}

/** As `systemErrorText`, by the error's name: ENOENT. */
export function systemErrorOf(code: string): string {
  return systemErrors[code] ?? code;
}

/** True if the path has to be expanded rather than opened. */
export function hasGlob(path: string): boolean {
  return /[*?[]/.test(path);
}

/**
 * Files that a path with `*`, `?` or `[...]` in any of its parts names, in alphabetical order. May be none.
 */
export function expandGlob(path: string): string[] {
  const absolute = isAbsolute(path) ? path : resolve(path);
  const { root } = parse(absolute);
  let found = [root];
  for (const part of absolute.slice(root.length).split(/[\\/]/).filter(Boolean)) {
    found = hasGlob(part)
      ? found.flatMap((folder) => matching(folder, part).map((name) => join(folder, name)))
      : found.map((folder) => join(folder, part));
  }
  return found;
}

function matching(folder: string, part: string): string[] {
  const pattern = new Bytes(Buffer.from(part));
  try {
    return readdirSync(folder)
      .filter((name) => name.startsWith('.') === part.startsWith('.'))
      .filter((name) => globMatch(pattern, new Bytes(Buffer.from(name))))
      .sort();
  } catch {
    return []; // what cannot be listed matches nothing, as in a shell
  }
}
