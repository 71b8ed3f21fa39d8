import { systemErrorText } from '../config/files.js';
import { Replay } from '../dispatch/replay.js';
import type { AofDirectory } from '../persistence/aof-directory.js';
import type { AofManifest } from '../persistence/aof-manifest.js';
import { AofFormatError, AofReader } from '../persistence/aof-reader.js';
import { beginsAsSnapshot } from '../persistence/snapshot-signature.js';
import { LoadError } from './load-error.js';
import type { LoadingProgress } from './loading-progress.js';
import { loadRdbFile } from './rdb-loading.js';
import type { RespiteServer } from './server.js';

/** Commands between two moments at which a file that is being loaded lets others have their turn. */
const commandsPerStep = 256;
/**
 * Loads the files of an AOF, oldest first. Yields now and then, so that clients can be told to wait; run to its end at
 * once it does the same in one go. Throws LoadError.
 */
export class AofLoading {
  readonly totalBytes: number;
  private progress!: LoadingProgress;
  /** Bytes of the files before the present one. */
  private before = 0;

  constructor(
    private readonly server: RespiteServer,
    private readonly directory: AofDirectory,
    private readonly manifest: AofManifest,
    /** They are another server's: nothing is changed in them. */
    private readonly foreign = false,
  ) {
    this.totalBytes = manifest.files.reduce((sum, { name }) => sum + this.sizeOf(name), 0);
  }

  private sizeOf(name: string): number {
    try {
      return this.directory.size(name);
    } catch (error) {
      throw new LoadError(
        `Fatal error: can't open the append log file ${name} for reading: ${systemErrorText(error)}`,
      );
    }
  }

  /** `progress` follows it. */
  *steps(progress: LoadingProgress): Generator<void, void> {
    const { manifest, server } = this;
    this.progress = progress;
    const { keyspace } = server;
    const begin = server.clock.microseconds();
    keyspace.holdExpiry(true);
    try {
      for (const file of manifest.files) {
        const fileBegin = server.clock.microseconds();
        const size = this.sizeOf(file.name);
        if (size > 0) yield* this.loadFile(file.name, size, file === manifest.files.at(-1));
        this.before += size;
        progress.loadedBytes = this.before;
        const kind = file.type === 'base' ? 'base' : 'incr';
        server.log.notice(
          `DB loaded from ${kind} file ${file.name}: ${this.secondsSince(fileBegin)} seconds`,
        );
      }
    } finally {
      keyspace.holdExpiry(false);
    }
    server.log.notice(`DB loaded from append only file: ${this.secondsSince(begin)} seconds`);
  }

  private secondsSince(microseconds: number): string {
    return ((this.server.clock.microseconds() - microseconds) / 1e6).toFixed(3);
  }

  private *loadFile(name: string, size: number, isLast: boolean): Generator<void, void> {
    const { files } = this.server;
    const path = this.directory.path(name);
    const fd = this.openFile(path, name);
    try {
      const isSnapshot = beginsAsSnapshot(files, fd);
      if (isSnapshot) this.server.log.notice('Reading RDB base file on AOF loading...');
      const offset = isSnapshot ? yield* this.loadSnapshot(path) : 0;
      yield* this.loadCommands(new AofReader(files, fd, offset, size), name, isLast);
    } finally {
      files.closeSync(fd);
    }
  }

  /** The snapshot that a file begins with. Returns the offset behind it. */
  private *loadSnapshot(path: string): Generator<void, number> {
    const { end } = yield* loadRdbFile(this.server, path, this.progress, { preamble: true });
    return end;
  }

  private openFile(path: string, name: string): number {
    try {
      return this.server.files.openSync(path, 'r');
    } catch (error) {
      throw new LoadError(
        `Fatal error: can't open the append log file ${name} for reading: ${systemErrorText(error)}`,
      );
    }
  }

  private *loadCommands(reader: AofReader, name: string, isLast: boolean): Generator<void, void> {
    const { dispatcher } = this.server.loop;
    const replay = new Replay(this.server, dispatcher);
    let wholeUpTo = reader.offset;
    let count = 0;
    try {
      for (;;) {
        const found = this.nextCommand(reader, name);
        if (found !== true) {
          if (found === 'truncated' || replay.inTransaction) this.truncate(name, wholeUpTo, isLast);
          return;
        }
        if (!replay.knows(reader.args[0])) {
          throw new LoadError(
            `Unknown command '${reader.args[0].latin1()}' reading the append only file ${name}`,
          );
        }
        replay.run(reader.args, reader.argc);
        while (dispatcher.busy) yield;
        if (!replay.inTransaction) wholeUpTo = reader.offset;
        this.progress.loadedBytes = this.before + reader.offset;
        if (++count % commandsPerStep === 0) yield;
      }
    } finally {
      replay.end();
    }
  }

  private nextCommand(reader: AofReader, name: string): boolean | 'truncated' {
    try {
      return reader.next();
    } catch (error) {
      if (!(error instanceof AofFormatError)) {
        throw new LoadError(
          `Unrecoverable error reading the append only file ${name}: ${systemErrorText(error)}`,
        );
      }
      throw new LoadError(
        `Bad file format reading the append only file ${name}: ${error.message}. Make a backup of your AOF file, then use respite check --fix on the manifest`,
      );
    }
  }

  /** The file ends in the middle of a command or a transaction: all before is good. */
  private truncate(name: string, wholeUpTo: number, isLast: boolean): void {
    const { config, files, log } = this.server;
    if (!isLast) throw new LoadError(`Fatal error: the truncated file ${name} is not the last file`);
    if (!config.values['aof-load-truncated']) {
      throw new LoadError(
        `Unexpected end of file reading the append only file ${name}. You can: 1) Make a backup of your AOF file, then use respite check --fix on the manifest. 2) Alternatively you can set the 'aof-load-truncated' configuration option to yes and restart the server.`,
      );
    }
    log.warning(`!!! Warning: short read while loading the AOF file ${name}!!!`);
    log.warning(`AOF ${name} loaded anyway because aof-load-truncated is enabled`);
    if (this.foreign) return;
    try {
      const fd = files.openSync(this.directory.path(name), 'r+');
      try {
        files.ftruncateSync(fd, wholeUpTo);
        files.fsyncSync(fd);
      } finally {
        files.closeSync(fd);
      }
      log.warning(`Truncated the AOF file ${name} at offset ${wholeUpTo}`);
    } catch (error) {
      throw new LoadError(`Error truncating the AOF file ${name}: ${systemErrorText(error)}`);
    }
  }
}
