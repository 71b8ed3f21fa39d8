import fs from 'node:fs';
import { join } from 'node:path';
import { pathFromConfig } from '../config/files.js';

/** The part of node:fs that persistence uses. Tests put one in its place that fails on demand. */
export type FileSystem = Pick<
  typeof fs,
  | 'closeSync'
  | 'fdatasync'
  | 'fdatasyncSync'
  | 'fsync'
  | 'fsyncSync'
  | 'fstatSync'
  | 'ftruncateSync'
  | 'mkdirSync'
  | 'openSync'
  | 'readSync'
  | 'readdirSync'
  | 'readFileSync'
  | 'renameSync'
  | 'statSync'
  | 'unlink'
  | 'unlinkSync'
  | 'write'
  | 'writeSync'
>;

/** The operating system's. */
export const systemFiles: FileSystem = fs;

/** The path of a file of the data set: `dir` and `name` are values of directives. */
export function dataPath(dir: string, ...names: string[]): string {
  return join(pathFromConfig(dir), ...names.map(pathFromConfig));
}

/** Writes all of the bytes, however many calls that takes. Throws what the file system throws. */
export function writeWhole(files: FileSystem, fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += files.writeSync(fd, bytes, at, bytes.length - at);
}

/**
 * Makes renames and new files in a directory durable. Where directories cannot be opened for that (Windows), the
 * file system sees to it by itself.
 */
export function syncDirectory(files: FileSystem, path: string): void {
  if (process.platform === 'win32') return;
  const fd = files.openSync(path, 'r');
  try {
    files.fsyncSync(fd);
  } finally {
    files.closeSync(fd);
  }
}
