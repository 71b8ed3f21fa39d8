import type { ConnectionOptions } from 'node:tls';
import type { Client } from '../clients/client.js';
import type { ServerApi } from '../commands/server-api.js';
import type { Dispatcher } from '../dispatch/dispatcher.js';
import type { FileSystem } from '../persistence/files.js';

/** What a snapshot that came over a link says of the stream that follows it. */
export interface LoadedSnapshot {
  /** Number of the database that the stream is in. */
  streamDatabase: number;
}

/** A place in a history of changes: see ReplicationLog. */
export interface HistoryPlace {
  id: string;
  offset: number;
  /** Number of the database that the next change is in. */
  database: number;
}

/** A snapshot could not be loaded. The message says why. */
export class FullSyncError extends Error {}

/**
 * A snapshot that is loaded as it arrives. Whoever has bytes gives them with `feed` and calls `run` until that wants
 * more.
 */
export interface ArrivingSnapshot {
  /** Takes all of the bytes. Not while `run` has more to do with those that it has. */
  feed(buffer: Buffer, start: number, end: number): void;
  /** Loads for a while. `more`: needs bytes; `paused`: others may have a turn. Throws FullSyncError. */
  run(): 'done' | 'more' | 'paused';
  /** What was fed beyond the end of the snapshot, once `run` is done. */
  readonly surplus: Buffer;
  /** The snapshot is whole: it becomes the data set. Throws FullSyncError. */
  finish(): LoadedSnapshot;
  /** There will be no more of it. What was loaded goes. */
  abandon(): void;
}

/** How a replica comes to the data of its primary. Implemented by the server, which knows how data sets are loaded. */
export interface SnapshotLoader {
  /** What is written of the present data ends: it is about to be replaced. */
  prepare(): void;
  /**
   * The same before the server's own file is replaced: resolves when nobody writes to it any more, and nobody will
   * before `settle`. Clients wait meanwhile.
   */
  prepareFile(): Promise<void>;
  /** The data set is there, or will not come: what `prepare` has ended goes on. */
  settle(): void;
  /** Replaces the data set by that of a file, in turns. Rejects with FullSyncError; then there is no data. */
  replaceFromFile(path: string): Promise<LoadedSnapshot>;
  /** Replaces the data set by what arrives; of so many bytes, if that is known. */
  replaceFromStream(total: number | undefined): ArrivingSnapshot;
  /**
   * As `replaceFromStream`, but the present data stay until all has arrived, and for good if that fails. With
   * `serving`, clients are served from them meanwhile.
   */
  loadAside(total: number | undefined, serving: boolean): ArrivingSnapshot;
}

/** What the replica's side of replication needs of its server. */
export interface ReplicaHost extends ServerApi {
  readonly files: FileSystem;
  /** The data set is in files. A server without any writes none. */
  readonly keepsFiles: boolean;
  readonly loop: {
    readonly dispatcher: Dispatcher;
    endBatch(): void;
  };
  readonly snapshots: SnapshotLoader;
  /** Port under which clients reach this server. */
  readonly announcedPort: number;
  /** How to connect with TLS, if links are to. Throws ConfigError. */
  linkTls(): ConnectionOptions | undefined;
  /** Lets go of a client whose connection has ended. */
  forget(client: Client): void;
}
