import { basename, dirname, join } from 'node:path';
import { configFromText, systemErrorText } from '../config/files.js';
import { AofDirectory, findManifest, isManifestName, prefixOf } from '../persistence/aof-directory.js';
import { AofManifest, ManifestError } from '../persistence/aof-manifest.js';
import type { FileSystem } from '../persistence/files.js';
import { beginsAsSnapshot } from '../persistence/snapshot-signature.js';
import { LoadError } from './load-error.js';

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
    if (isManifestName(path)) return ofManifest(files, path);
    if (!path.endsWith('.aof') && beginsWithSignature(files, path)) return 'snapshot';
    return { directory: directoryOf(files, path, ''), manifest: AofManifest.ofBase(nameOf(path)) };
  } catch (error) {
    if (error instanceof LoadError) throw error;
    const reason = error instanceof ManifestError ? error.message : systemErrorText(error);
    throw new LoadError(`Can't import ${path}: ${reason}`);
  }
}

function manifestIn(files: FileSystem, folder: string): string {
  const manifest = findManifest(files, folder);
  if ('found' in manifest) throw new LoadError(`Can't import ${folder}: it has ${manifest.found}`);
  return manifest.name;
}

function ofManifest(files: FileSystem, path: string): ForeignAof {
  const directory = directoryOf(files, path, prefixOf(nameOf(path)));
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
