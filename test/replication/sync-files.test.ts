import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { systemFiles } from '../../src/persistence/files.js';
import { dataFolder } from '../support/data-folder.js';
import { infoField } from '../support/info.js';
import { ReplicaClient } from '../support/replica-client.js';
import { untilLinked } from '../support/replicas.js';
import { connect, connectTo, startRespite, startServer } from '../support/respite.js';
import { until, untilInfo } from '../support/waiting.js';

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

it('what a replica is sent and what it sends to its own replicas are different files', async () => {
  const opened: string[] = [];
  const files = new Proxy(systemFiles, {
    get(target, name: keyof typeof systemFiles) {
      if (name !== 'renameSync' && name !== 'openSync') return target[name];
      return (...args: string[]) => {
        if (name === 'renameSync') opened.push(args[1]);
        else if (args[1] === 'w') opened.push(args[0]);
        return (target[name] as (...args: string[]) => unknown)(...args);
      };
    },
  });
  const primary = await startRespite({ 'repl-diskless-sync-delay': 0 });
  const { server } = await startServer(
    {
      dir: dataFolder(),
      replicaof: { host: '127.0.0.1', port: primary.port },
      'repl-diskless-sync': false,
    },
    files,
  );
  const { port } = server.listeners;
  await untilLinked(connectTo(port));
  const received = opened.splice(0).filter((path) => basename(path).startsWith('temp-'));
  const names = (paths: string[]) => new Set(paths.map((path) => basename(path).replace(/[\d.]+\w+$/, '')));
  expect(names(received)).toEqual(new Set(['temp-repl-']));
  const replica = await ReplicaClient.connect(port);
  replica.send('SYNC');
  await replica.snapshot();
  replica.close();
  expect(names(opened)).toEqual(new Set(['temp-sync-']));
});

it('a save that is just giving its file its name does not replace what the primary sent', async () => {
  const primary = await startRespite({ 'repl-diskless-sync-delay': 0 });
  await connect(primary).set('a', 'new');
  const dir = dataFolder();
  const { server } = await startServer({ dir }, systemFiles);
  const replica = connectTo(server.listeners.port);
  await replica.set('a', 'old');
  await replica.save();
  const path = join(dir, 'dump.rdb');
  const old = readFileSync(path);
  const { saving } = server;
  const { stop } = saving;
  saving.stop = async () => {
    saving.stop = stop;
    await new Promise((resolve) => setImmediate(resolve));
    writeFileSync(path, old);
  };
  await replica.replicaof('127.0.0.1', primary.port);
  await untilLinked(replica);
  expect(await replica.get('a')).toBe('new');
  expect(readFileSync(path).includes('new')).toBe(true);
});

it('an append-only file that cannot be begun anew after a synchronization is begun later', async () => {
  let failing = false;
  const files = new Proxy(systemFiles, {
    get(target, name: keyof typeof systemFiles) {
      if (name !== 'mkdirSync' || !failing) return target[name];
      return () => {
        throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
      };
    },
  });
  const primary = await startRespite({ 'repl-diskless-sync-delay': 0 });
  const { server } = await startServer({ dir: dataFolder(), appendonly: true, hz: 100 }, files);
  const replica = connectTo(server.listeners.port);
  const lines: string[] = [];
  server.log.warning = (line) => void lines.push(line);
  failing = true;
  await replica.replicaof('127.0.0.1', primary.port);
  await untilLinked(replica);
  expect(await infoField(replica, 'aof_enabled')).toBe('0');
  expect(lines.at(-1)).toMatch(/^The append-only file could not be begun anew .* is tried again: /);
  failing = false;
  await untilInfo(replica, 'aof_enabled', 1);
});
