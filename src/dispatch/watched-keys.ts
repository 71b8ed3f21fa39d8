import { Bytes } from '../bytes/bytes.js';
import type { Client, WatchedKey } from '../clients/client.js';
import { absent, type Database } from '../keyspace/database.js';
import { ClientsByKey } from './clients-by-key.js';

/** Which clients WATCH which keys. A change of a key breaks the transactions of its watchers. */
export class WatchedKeys {
  private readonly clients = new ClientsByKey();
  private count = 0;

  /** Number of (client, key) pairs. */
  get size(): number {
    return this.count;
  }

  add(client: Client, database: Database, key: string): void {
    if (!this.clients.add(client, database, key)) return;
    this.count++;
    client.watchedBytes += key.length;
    client.watched.push({ database, key, expired: stateOf(database, Bytes.of(key)) === 'expired' });
  }

  removeAll(client: Client): void {
    for (const { database, key } of client.watched) {
      this.clients.remove(client, database, key);
      this.count--;
    }
    client.watched = [];
    client.watchedBytes = 0;
    client.watchBroken = false;
  }

  touched(database: Database, key: Bytes): void {
    const name = this.clients.nameOf(database, key);
    if (name === undefined) return;
    for (const client of this.clients.clientsOf(database, name))
      this.breakUnlessExpiry(client, database, name, key);
  }

  /** The removal of a key that had expired already when it was watched is no change; all else is. */
  private breakUnlessExpiry(client: Client, database: Database, name: string, key: Bytes): void {
    const watched = this.watchedKey(client, database, name);
    if (watched?.expired && database.peek(key) === absent) watched.expired = false;
    else client.watchBroken = true;
  }

  /** A database is emptied or exchanged: every watched key that is alive before or after has changed. */
  databaseReplaced(database: Database, replacement: Database | undefined): void {
    for (const name of this.clients.keysOf(database)) {
      const key = Bytes.of(name);
      const after = replacement === undefined ? 'absent' : stateOf(replacement, key);
      const changed = stateOf(database, key) === 'alive' || after === 'alive';
      for (const client of this.clients.clientsOf(database, name)) {
        if (changed) client.watchBroken = true;
        else this.watchedKey(client, database, name)!.expired = after === 'expired';
      }
    }
  }

  private watchedKey(client: Client, database: Database, name: string): WatchedKey | undefined {
    return client.watched.find((entry) => entry.database === database && entry.key === name);
  }

  /** True if a key that was alive when it was watched has expired since. */
  hasExpired(client: Client): boolean {
    return client.watched.some(
      ({ database, key, expired }) => !expired && stateOf(database, Bytes.of(key)) === 'expired',
    );
  }
}

function stateOf(database: Database, key: Bytes): 'absent' | 'expired' | 'alive' {
  const ref = database.peek(key);
  if (ref === absent) return 'absent';
  return database.isExpired(ref) ? 'expired' : 'alive';
}
