import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dataFolder } from '../support/data-folder.js';
import { untilLinked } from '../support/replicas.js';
import { connect, startRespite } from '../support/respite.js';
import { until } from '../support/waiting.js';

it.each([
  [{ 'rdb-del-sync-files': true }, false],
  [{ 'rdb-del-sync-files': false }, true],
  [{ 'rdb-del-sync-files': true, save: [{ seconds: 900, changes: 1 }] }, true],
])('the file of a full synchronization stays only where it is wanted: %j', async (directives, stays) => {
  const primary = await startRespite({ 'repl-diskless-sync-delay': 0 });
  await connect(primary).set('a', '1');
  const dir = dataFolder();
  const replica = connect(await startRespite({ dir, save: [], ...directives }));
  await replica.replicaof('127.0.0.1', primary.port);
  await untilLinked(replica);
  expect(await replica.get('a')).toBe('1');
  await until('the file is what it is to be', () => existsSync(join(dir, 'dump.rdb')) === stays);
});
