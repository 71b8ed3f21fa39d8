import { dirname, join } from 'node:path';
import { systemErrorText } from '../config/files.js';
import { findManifest } from '../persistence/aof-directory.js';
import { AofManifest, ManifestError } from '../persistence/aof-manifest.js';
import { type FileSystem, systemFiles } from '../persistence/files.js';
import { rdbSignature } from '../persistence/rdb-types.js';
import { beginsAsSnapshot } from '../persistence/snapshot-signature.js';
import { checkAof } from './check-aof.js';
import { checkRdb } from './check-rdb.js';
import { aofText, rdbText } from './report-text.js';

/** Where the lines of a report go. */
export type Print = (line: string) => void;

/**
 * `respite check FILE`: reads an RDB file, an append-only file, or all files of a manifest or of the directory that has
 * one, and prints what is in it and where it breaks. With `fix`, what follows the last whole command of an append-only
 * file is cut off. True if all is well, or is now.
 */
export class FileCheck {
  constructor(
    private readonly print: Print,
    private readonly fix: boolean,
    private readonly files: FileSystem = systemFiles,
  ) {}

  check(path: string): boolean {
    try {
      return this.files.statSync(path).isDirectory() ? this.checkFolder(path) : this.checkPath(path);
    } catch (error) {
      if (!(error instanceof Error && 'syscall' in error)) throw error;
      return this.broken(path, systemErrorText(error));
    }
  }

  /** The directory of a multi-part append-only file. */
  private checkFolder(path: string): boolean {
    const manifest = findManifest(this.files, path);
    if ('found' in manifest) return this.broken(path, `a directory with ${manifest.found}`);
    return this.checkPath(join(path, manifest.name));
  }

  private checkPath(path: string): boolean {
    const begin = this.beginOf(path);
    if (!begin.startsWith(rdbSignature) && isManifest(begin)) return this.checkManifest(path);
    return this.checkData(path, true);
  }

  private beginOf(path: string): string {
    const fd = this.files.openSync(path, 'r');
    try {
      const buffer = Buffer.alloc(64);
      const count = this.files.readSync(fd, buffer, 0, buffer.length, 0);
      return buffer.toString('latin1', 0, count);
    } finally {
      this.files.closeSync(fd);
    }
  }

  private checkManifest(path: string): boolean {
    const manifest = this.readManifest(path);
    if (manifest === undefined) return false;
    const { files } = manifest;
    this.print(`${path}: manifest of an append-only file with ${files.length} files`);
    for (const { name } of files) {
      if (!this.checkData(join(dirname(path), name), name === files.at(-1)?.name)) return false;
    }
    this.print(`${path}: all files are valid`);
    return true;
  }

  private readManifest(path: string): AofManifest | undefined {
    try {
      return AofManifest.parse(this.files.readFileSync(path, 'latin1'));
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error;
      this.broken(path, error.message);
      return undefined;
    }
  }

  /** Commands, a snapshot, or a snapshot with commands behind it. Only the last file of several may be cut. */
  private checkData(path: string, isLast: boolean): boolean {
    const fd = this.open(path);
    if (fd === undefined) return false;
    try {
      if (!beginsAsSnapshot(this.files, fd)) return this.checkCommands(path, fd, 0, isLast);
      const end = this.checkSnapshot(path, fd);
      if (end === undefined) return false;
      return this.files.fstatSync(fd).size === end || this.checkCommands(path, fd, end, isLast);
    } finally {
      this.files.closeSync(fd);
    }
  }

  private open(path: string): number | undefined {
    try {
      return this.files.openSync(path, this.fix ? 'r+' : 'r');
    } catch (error) {
      this.broken(path, systemErrorText(error));
      return undefined;
    }
  }

  /** Where the snapshot ends; undefined if it is broken. */
  private checkSnapshot(path: string, fd: number): number | undefined {
    const report = checkRdb(this.files, fd);
    for (const line of rdbText(path, report, this.files.fstatSync(fd).size)) this.print(line);
    if (report.problem === undefined) return report.end;
    this.broken(path, report.problem);
    if (this.fix) this.print(`${path}: a snapshot can't be fixed: nothing was changed`);
    return undefined;
  }

  private checkCommands(path: string, fd: number, from: number, isLast: boolean): boolean {
    const report = checkAof(this.files, fd, from);
    for (const line of aofText(path, report, from)) this.print(line);
    if (report.problem === undefined) return true;
    this.broken(path, report.problem);
    const { size, wholeUpTo } = report;
    this.print(`${path}: size=${size}, whole up to=${wholeUpTo}, behind that=${size - wholeUpTo}`);
    return this.fix && this.cut(path, fd, wholeUpTo, size, isLast);
  }

  private cut(path: string, fd: number, wholeUpTo: number, size: number, isLast: boolean): boolean {
    if (!isLast) {
      this.print(`${path}: only the last file of an append-only file can be cut: nothing was changed`);
      return false;
    }
    this.files.ftruncateSync(fd, wholeUpTo);
    this.files.fsyncSync(fd);
    this.print(`${path}: cut at offset ${wholeUpTo}: ${size - wholeUpTo} bytes were removed`);
    return true;
  }

  private broken(path: string, why: string): false {
    this.print(`${path}: BROKEN: ${why}`);
    return false;
  }
}

/** True of what a manifest begins with: comments, then a file. */
function isManifest(begin: string): boolean {
  return /^(#(?!TS:)[^\n]*\n)*\s*(file\s|#(?!TS:))/i.test(begin);
}
