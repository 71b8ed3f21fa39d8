import { expect, it } from 'vitest';
import type { Client } from '../../src/clients/client.js';
import { newTraits, Replica } from '../../src/replication/replica.js';
import { ReplicationLog } from '../../src/replication/replication-log.js';

function start() {
  const log = new ReplicationLog(() => 'a'.repeat(40), {
    backlogSize: () => 1024,
    neededFrom: () => Number.POSITIVE_INFINITY,
  });
  log.createBacklog();
  const told: string[] = [];
  const replica = new Replica(
    {} as Client, // nobody asks it for anything here
    newTraits(),
    log,
    () => 0,
    {
      transferred: () => told.push('transferred'),
      failed: () => told.push('failed'),
      lost: () => told.push('lost'),
      interrupted: () => told.push('interrupted'),
    },
  );
  replica.state = 'online';
  return { log, replica, told };
}

it('a replica takes the stream from its position on', () => {
  const { log, replica, told } = start();
  log.append(Buffer.from('before'));
  replica.startAt(log.offset);
  expect(replica.next()).toBeUndefined();
  log.append(Buffer.from('after'));
  expect(String(replica.next())).toBe('after');
  expect(replica.next()).toBeUndefined();
  expect(told).toEqual([]);
});

it('a replica whose position is not in the backlog any more says so', () => {
  const { log, replica, told } = start();
  for (let i = 0; i < 10; i++) log.append(Buffer.alloc(10_000));
  replica.startAt(0);
  expect(replica.next()).toBeUndefined();
  expect(told).toEqual(['lost']);
});
