import { basename, dirname, join } from 'node:path';
import { configFromText, systemErrorText } from '../config/files.js';
import { AofDirectory } from '../persistence/aof-directory.js';
import { AofManifest, ManifestError } from '../persistence/aof-manifest.js';
import type { FileSystem } from '../persistence/files.js';
import { beginsAsSnapshot } from '../persistence/snapshot-signature.js';
import { LoadError } from './load-error.js';

const manifestEnding = '.manifest';

/** An append-only file that is not this server's own. */
export interface ForeignAof {
  directory: AofDirectory;
  manifest: AofManifest;
}

/**
 * What another server has left behind: a snapshot, of which the path is enough, or an append-only file, as its
 * directory, its manifest, or one file. Throws LoadError.
 */
export function findForeign(files: FileSystem, path: string): ForeignAof | 'snapshot' {
  try {
    if (files.statSync(path).isDirectory()) return ofManifest(files, join(path, manifestIn(files, path)));
    if (path.endsWith(manifestEnding)) return ofManifest(files, path);
    if (!path.endsWith('.aof') && beginsWithSignature(files, path)) return 'snapshot';
    return { directory: directoryOf(files, path, ''), manifest: AofManifest.ofBase(nameOf(path)) };
  } catch (error) {
    if (error instanceof LoadError) throw error;
    const reason = error instanceof ManifestError ? error.message : systemErrorText(error);
    throw new LoadError(`Can't import ${path}: ${reason}`);
  }
}

function manifestIn(files: FileSystem, folder: string): string {
  const names = files.readdirSync(folder).filter((name) => name.endsWith(manifestEnding));
  const whole = names.filter((name) => !name.startsWith('temp-'));
  if (whole.length === 1) return whole[0];
  const found = whole.length === 0 ? 'no manifest' : 'several manifests';
  throw new LoadError(`Can't import ${folder}: it has ${found} of an append-only file`);
}

function ofManifest(files: FileSystem, path: string): ForeignAof {
  const directory = directoryOf(files, path, nameOf(path).slice(0, -manifestEnding.length));
  const manifest = directory.readManifest();
  if (manifest === undefined) throw new LoadError(`Can't import ${path}: there is no such file`);
  return { directory, manifest };
}

function directoryOf(files: FileSystem, path: string, prefix: string): AofDirectory {
  const folder = dirname(path);
  const names = { dir: configFromText(dirname(folder)), folder: nameOf(folder), prefix };
  return new AofDirectory(files, () => names);
}

function nameOf(path: string): string {
  return configFromText(basename(path));
}

function beginsWithSignature(files: FileSystem, path: string): boolean {
  const fd = files.openSync(path, 'r');
  try {
    return beginsAsSnapshot(files, fd);
  } finally {
    files.closeSync(fd);
  }
}
