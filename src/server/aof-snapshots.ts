import { BackgroundSnapshot } from '../persistence/background-snapshot.js';
import { CommandFormat } from '../persistence/command-format.js';
import { openFileSink } from '../persistence/file-sink.js';
import { Snapshot, type SnapshotSink } from '../persistence/snapshot.js';
import { SnapshotFile, type SnapshotFileOptions } from '../persistence/snapshot-file.js';
import type { AofBaseFormat, RewriteJob, SnapshotNames, SnapshotStarter } from './append-only.js';
import type { RespiteServer } from './server.js';

/** Snapshots that become the base of an append-only file. */
export class AofSnapshots implements SnapshotStarter {
  constructor(private readonly server: RespiteServer) {}

  get busy(): boolean {
    return this.server.saving.inProgress;
  }

  writeNow(names: SnapshotNames, format: AofBaseFormat): void {
    const file = new SnapshotFile(this.server.files, this.fileOptions(names, format));
    try {
      this.snapshot({ write: (chunk) => file.write(chunk), unsentBytes: 0 }, format, true).finish();
      file.commit();
    } catch (error) {
      file.discard();
      throw error;
    }
  }

  start(
    names: SnapshotNames,
    format: AofBaseFormat,
    done: (failure: string | undefined) => void,
  ): RewriteJob {
    const { clock, config, files } = this.server;
    const sink = openFileSink(files, this.fileOptions(names, format));
    const background = new BackgroundSnapshot(clock, this.snapshot(sink, format, false), sink, {
      keyDelay: () => config.values['rdb-key-save-delay'],
      onFailure: (error) => {
        void sink.abandon();
        done(`Internal error while rewriting: ${String(error)}`);
      },
    });
    sink.onEnd = (failure) => {
      if (failure !== undefined) background.stop();
      done(failure);
    };
    return {
      progress: background.snapshot,
      cancel() {
        background.stop();
        void sink.abandon();
      },
    };
  }

  private snapshot(sink: SnapshotSink, format: AofBaseFormat, still: boolean): Snapshot {
    const { keyspace, saving, config } = this.server;
    const written = format === 'rdb' ? saving.format(true) : this.commandFormat();
    return new Snapshot(keyspace, written, sink, config.values.rdbcompression, still);
  }

  private commandFormat(): CommandFormat {
    const { clock, config, scripting } = this.server;
    const timed = config.values['aof-timestamp-enabled'];
    return new CommandFormat({
      timestamp: timed ? Math.floor(clock.now() / 1000) : undefined,
      libraries: scripting.functions.sources(),
    });
  }

  private fileOptions({ temporary, path }: SnapshotNames, format: AofBaseFormat): SnapshotFileOptions {
    const { rdbchecksum, 'aof-rewrite-incremental-fsync': incrementalSync } = this.server.config.values;
    const checksum = format === 'commands' ? 'none' : rdbchecksum ? 'crc64' : 'zero';
    return { temporary, path, checksum, incrementalSync };
  }
}
