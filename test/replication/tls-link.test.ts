import { expect, it } from 'vitest';
import { Authority, describeWithOpenssl } from '../support/certificates.js';
import { infoField } from '../support/info.js';
import { freePort } from '../support/redis-server.js';
import { untilCaughtUp } from '../support/replicas.js';
import { connect, startRespite } from '../support/respite.js';
import { until } from '../support/waiting.js';

describeWithOpenssl('a link with tls-replication', () => {
  const authority = new Authority();
  const stranger = new Authority();

  async function startPrimary(auth: 'yes' | 'no') {
    const { cert, key } = authority.issue('server');
    const tlsPort = await freePort();
    const server = await startRespite({
      'tls-port': tlsPort,
      'tls-cert-file': cert,
      'tls-key-file': key,
      'tls-ca-cert-file': authority.cert,
      'tls-auth-clients': auth,
      'repl-diskless-sync-delay': 0,
    });
    return { primary: connect(server), tlsPort };
  }

  it('shows its certificate, checks that of the primary, and follows', async () => {
    const { primary, tlsPort } = await startPrimary('yes');
    await primary.set('a', '1');
    const { cert, key } = authority.issue('client');
    const server = await startRespite({
      replicaof: { host: '127.0.0.1', port: tlsPort },
      'tls-replication': true,
      'tls-cert-file': cert,
      'tls-key-file': key,
      'tls-ca-cert-file': authority.cert,
    });
    const replica = connect(server);
    await untilCaughtUp(primary, replica);
    await primary.set('b', '2');
    await untilCaughtUp(primary, replica);
    expect(await replica.mget('a', 'b')).toEqual(['1', '2']);
  });

  it('is not made to a primary that nobody vouches for', async () => {
    const { primary, tlsPort } = await startPrimary('no');
    const server = await startRespite({
      replicaof: { host: '127.0.0.1', port: tlsPort },
      'tls-replication': true,
      'tls-ca-cert-file': stranger.cert,
    });
    const replica = connect(server);
    await until('it was refused', async () => String((await replica.role())[3]) === 'connect');
    expect(await infoField(primary, 'connected_slaves')).toBe('0');
    expect(await infoField(replica, 'master_link_status')).toBe('down');
  });
});
