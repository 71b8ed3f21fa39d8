import { dirname } from 'node:path';
import { AofManifest, ManifestError } from './aof-manifest.js';
import { dataPath, type FileSystem, syncDirectory, writeWhole } from './files.js';

/** Where an AOF lies; values of directives. */
export interface AofNames {
  dir: string;
  /** `appenddirname`. */
  folder: string;
  /** `appendfilename`, with which all names begin. */
  prefix: string;
}

const manifestEnding = '.manifest';
/** What the name of a file begins with while it is being written. */
const unfinished = 'temp-';

/** True of the name or path of a manifest. */
export function isManifestName(path: string): boolean {
  return path.endsWith(manifestEnding);
}

/** With what the names of an AOF's files begin, by its manifest's name. */
export function prefixOf(manifest: string): string {
  return manifest.slice(0, -manifestEnding.length);
}

/** The manifest in a directory; or what is there instead, in words. Throws what the file system throws. */
export function findManifest(files: FileSystem, folder: string): { name: string } | { found: string } {
  const names = files
    .readdirSync(folder)
    .filter((name) => isManifestName(name) && !name.startsWith(unfinished));
  if (names.length === 1) return { name: names[0] };
  return { found: `${names.length === 0 ? 'no manifest' : 'several manifests'} of an append-only file` };
}

/** The directory of a multi-part AOF: its manifest and its files. All methods throw what the file system throws. */
export class AofDirectory {
  constructor(
    private readonly files: FileSystem,
    private readonly names: () => AofNames,
  ) {}

  get prefix(): string {
    return this.names().prefix;
  }

  /** Path of a file of the AOF. */
  path(name: string): string {
    const { dir, folder } = this.names();
    return dataPath(dir, folder, name);
  }

  /** Path of a file beside the directory: what is in the making, and the single file of before Redis 7. */
  pathBeside(name: string): string {
    return dataPath(this.names().dir, name);
  }

  private get manifestName(): string {
    return `${this.prefix}${manifestEnding}`;
  }

  private get folderPath(): string {
    return dirname(this.path('-'));
  }

  exists(path: string): boolean {
    return this.files.statSync(path, { throwIfNoEntry: false }) !== undefined;
  }

  /** Bytes of a file of the AOF. */
  size(name: string): number {
    return this.files.statSync(this.path(name)).size;
  }

  /**
   * Makes the directory, unless it is there. Not `recursive`: Node tries that for ever where the system says ENOENT.
   */
  create(): void {
    try {
      this.files.mkdirSync(this.folderPath);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }

  /** The manifest, or undefined if there is none. Throws ManifestError too. */
  readManifest(): AofManifest | undefined {
    const path = this.path(this.manifestName);
    if (!this.exists(path)) return undefined;
    return AofManifest.parse(this.files.readFileSync(path, 'latin1'));
  }

  /**
   * Replaces the manifest: whatever happens meanwhile, the old one or the new one is there, whole. False if it is
   * replaced, but may be the old one again after a loss of power: then the files of both must stay.
   */
  writeManifest(manifest: AofManifest): boolean {
    const temporary = this.path(`${unfinished}${this.manifestName}`);
    const fd = this.files.openSync(temporary, 'w');
    try {
      writeWhole(this.files, fd, Buffer.from(manifest.format(), 'latin1'));
      this.files.fsyncSync(fd);
    } finally {
      this.files.closeSync(fd);
    }
    this.files.renameSync(temporary, this.path(this.manifestName));
    try {
      syncDirectory(this.files, this.folderPath);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * A manifest with a new incremental file at the end. A file that has content and is in no manifest is left alone:
   * what it says is not to be repeated.
   */
  withIncremental(manifest: AofManifest): AofManifest {
    return manifest.withIncremental(this.prefix, (name) => {
      const size = this.files.statSync(this.path(name), { throwIfNoEntry: false })?.size ?? 0;
      return size > 0;
    });
  }

  /** Makes an empty file of the AOF, unless it is there. */
  createFile(name: string): void {
    this.files.closeSync(this.files.openSync(this.path(name), 'a'));
  }

  /**
   * Takes in the single file that servers before Redis 7 kept: it becomes the base. The manifest is written first, so
   * that an upgrade that was interrupted can go on. Returns the manifest, unless there is nothing to take in.
   */
  upgrade(manifest: AofManifest | undefined): AofManifest | undefined {
    const { prefix } = this;
    const old = this.pathBeside(prefix);
    if (!this.exists(old) || !this.isToUpgrade(manifest)) return manifest;
    const upgraded = manifest ?? AofManifest.ofBase(prefix);
    this.create();
    if (manifest === undefined) this.writeManifest(upgraded);
    this.files.renameSync(old, this.path(prefix));
    syncDirectory(this.files, this.folderPath);
    return upgraded;
  }

  /** True if there is no AOF yet, or only the plan of one whose file has not been moved. */
  private isToUpgrade(manifest: AofManifest | undefined): boolean {
    if (manifest === undefined) return true;
    const { base, incremental } = manifest;
    return base?.name === this.prefix && incremental.length === 0 && !this.exists(this.path(base.name));
  }
}

/** What is wrong with the AOF's files, for the log. */
export function manifestErrorText(error: unknown): string | undefined {
  return error instanceof ManifestError
    ? `\n*** FATAL AOF MANIFEST FILE ERROR ***\n${error.message}`
    : undefined;
}
