import { spawnSync } from 'node:child_process';
import { constants } from 'node:crypto';
import { copyFileSync, readFileSync } from 'node:fs';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { Redis } from 'ioredis';
import { afterEach, expect, it } from 'vitest';
import { Respite, type RespiteOptions } from '../../src/index.js';
import { Authority, describeWithOpenssl } from '../support/certificates.js';
import { freePort } from '../support/redis-server.js';
import { connect, startRespite } from '../support/respite.js';

const clients: Redis[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

describeWithOpenssl('a server with tls-port', () => {
  const authority = new Authority();

  async function start(options: RespiteOptions = {}): Promise<{ server: Respite; port: number }> {
    const { cert, key } = authority.issue('server');
    const port = await freePort();
    const server = await startRespite({
      'tls-port': port,
      'tls-cert-file': cert,
      'tls-key-file': key,
      'tls-ca-cert-file': authority.cert,
      'tls-auth-clients': 'no',
      ...options,
    });
    return { server, port };
  }

  function secure(port: number, tls: ConnectionOptions = {}): Redis {
    const ca = readFileSync(authority.cert);
    const client = new Redis({ port, host: '127.0.0.1', tls: { ca, ...tls }, retryStrategy: () => null });
    client.on('error', () => {});
    clients.push(client);
    return client;
  }

  /** The handshake's result: the socket, or what went wrong with it. */
  function handshake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const socket = connectTls({ port, host: '127.0.0.1', ca: readFileSync(authority.cert), ...options });
      socket.once('error', reject);
      socket.once('secureConnect', () => resolve(socket));
    });
  }

  it('serves ioredis: commands, pipelines, large values, messages', async () => {
    const { server, port } = await start();
    const client = secure(port);
    expect(await client.set('k', 'v')).toBe('OK');
    const replies = await Promise.all(Array.from({ length: 1000 }, (_, i) => client.incr(`n${i % 10}`)));
    expect(replies.at(-1)).toBe(100);
    const big = Buffer.alloc(5_000_000, 'xyz');
    await client.set('big', big);
    expect((await client.getBuffer('big'))?.equals(big)).toBe(true);
    const subscriber = secure(port);
    const message = new Promise((resolve) => subscriber.on('message', (_, text) => resolve(text)));
    await subscriber.subscribe('c');
    expect(await connect(server).publish('c', 'over TLS')).toBe(1);
    expect(await message).toBe('over TLS');
    expect(await client.info('server')).toMatch(/listener1:name=tls,bind=127.0.0.1,port=\d+/);
  });

  it('serves redis-cli --tls', async ({ skip }) => {
    const help = spawnSync('redis-cli', ['--help'], { encoding: 'latin1' });
    skip(!`${help.stdout}${help.stderr}`.includes('--tls'), 'redis-cli with TLS is not installed');
    const { cert, key } = authority.issue('client');
    const { port } = await start({ 'tls-auth-clients': 'yes' });
    const { spawn } = await import('node:child_process');
    const args = [
      '-p',
      String(port),
      '--tls',
      '--cacert',
      authority.cert,
      '--cert',
      cert,
      '--key',
      key,
      'PING',
    ];
    const cli = spawn('redis-cli', args);
    let output = '';
    cli.stdout.on('data', (data: Buffer) => {
      output += data.toString('latin1');
    });
    await new Promise((resolve) => cli.once('close', resolve));
    expect(output).toBe('PONG\n');
  });

  it('wants a certificate from clients, or looks at those that are shown, or does not ask', async () => {
    const own = authority.issue('client');
    const shown = { cert: readFileSync(own.cert), key: readFileSync(own.key) };
    const required = await start({ 'tls-auth-clients': 'yes' });
    expect(await secure(required.port, shown).ping()).toBe('PONG');
    await expect(secure(required.port).ping()).rejects.toThrow();
    const optional = await start({ 'tls-auth-clients': 'optional' });
    expect(await secure(optional.port, shown).ping()).toBe('PONG');
    expect(await secure(optional.port).ping()).toBe('PONG');
    const none = await start({ 'tls-auth-clients': 'no', 'tls-ca-cert-file': '' });
    expect(await secure(none.port).ping()).toBe('PONG');
  });

  it('does not take a certificate of a stranger, even where none is asked for', async () => {
    const { server, port } = await start({ 'tls-auth-clients': 'optional' });
    const { cert, key } = authority.issue('client');
    await connect(server).config('SET', 'tls-ca-cert-file', authority.issue('someone-else').cert);
    await expect(secure(port, { cert: readFileSync(cert), key: readFileSync(key) }).ping()).rejects.toThrow();
    expect(await secure(port).ping()).toBe('PONG');
  });

  it('shows a new certificate after CONFIG SET, to new connections only', async () => {
    const { server, port } = await start();
    const redis = connect(server);
    const old = await handshake(port);
    const renewed = authority.issue('renewed');
    await redis.config('SET', 'tls-cert-file', renewed.cert, 'tls-key-file', renewed.key);
    const fresh = await handshake(port);
    expect(old.getPeerCertificate().subject.CN).toBe('server');
    expect(fresh.getPeerCertificate().subject.CN).toBe('renewed');
    expect(old.destroyed).toBe(false);
    // The same path with another content counts too.
    const again = authority.issue('again');
    copyFileSync(again.cert, renewed.cert);
    copyFileSync(again.key, renewed.key);
    await redis.config('SET', 'tls-cert-file', renewed.cert);
    const last = await handshake(port);
    expect(last.getPeerCertificate().subject.CN).toBe('again');
    for (const socket of [old, fresh, last]) socket.destroy();
  });

  it('keeps what it has when CONFIG SET names a file that cannot be used', async () => {
    const { server, port } = await start();
    const redis = connect(server);
    const refusal =
      "ERR CONFIG SET failed (possibly related to argument 'tls-cert-file') - Unable to update TLS configuration. Check server logs.";
    await expect(redis.config('SET', 'tls-cert-file', '/nowhere/file')).rejects.toThrow(refusal);
    await expect(redis.config('SET', 'tls-cert-file', authority.issue('other').cert)).rejects.toThrow(
      refusal,
    );
    expect(await secure(port).ping()).toBe('PONG');
  });

  it('offers the versions and ciphers that are configured', async () => {
    const { server, port } = await start({
      'tls-protocols': 'TLSv1.2',
      'tls-ciphers': 'ECDHE-ECDSA-AES256-GCM-SHA384',
    });
    const socket = await handshake(port);
    expect(socket.getProtocol()).toBe('TLSv1.2');
    expect(socket.getCipher().name).toBe('ECDHE-ECDSA-AES256-GCM-SHA384');
    socket.destroy();
    await expect(handshake(port, { minVersion: 'TLSv1.3' })).rejects.toThrow();
    await connect(server).config(
      'SET',
      'tls-protocols',
      'TLSv1.3',
      'tls-ciphersuites',
      'TLS_AES_128_GCM_SHA256',
    );
    const newer = await handshake(port);
    expect([newer.getProtocol(), newer.getCipher().name]).toEqual(['TLSv1.3', 'TLS_AES_128_GCM_SHA256']);
    newer.destroy();
  });

  it('remembers the sessions of clients that take no tickets, no more than tls-session-cache-size', async () => {
    const { server, port } = await start({ 'tls-protocols': 'TLSv1.2', 'tls-session-cache-size': 2 });
    const secureOptions = constants.SSL_OP_NO_TICKET;
    /** A session; resumes the given one if the server knows it. */
    async function session(old?: Buffer): Promise<{ data: Buffer; reused: boolean }> {
      const socket = await handshake(port, { secureOptions, session: old });
      const found = { data: socket.getSession()!, reused: socket.isSessionReused() };
      socket.destroy();
      return found;
    }
    const first = await session();
    expect(first.reused).toBe(false);
    expect((await session(first.data)).reused).toBe(true);
    for (let i = 0; i < 2; i++) await session();
    expect((await session(first.data)).reused).toBe(false);
    const another = await session();
    await connect(server).config('SET', 'tls-session-caching', 'no');
    expect((await session(another.data)).reused).toBe(false);
  });

  it('moves to another tls-port, or stops listening, while connected clients stay', async () => {
    const { server, port } = await start();
    const redis = connect(server);
    const client = secure(port);
    await client.ping();
    const other = await freePort();
    await redis.config('SET', 'tls-port', String(other));
    expect(await secure(other).ping()).toBe('PONG');
    await expect(secure(port).ping()).rejects.toThrow();
    await redis.config('SET', 'tls-port', '0');
    await expect(secure(other).ping()).rejects.toThrow();
    expect(await client.ping()).toBe('PONG');
  });

  it('survives a client that does not speak TLS', async () => {
    const { port } = await start();
    const plain = new Redis({ port, host: '127.0.0.1', retryStrategy: () => null });
    plain.on('error', () => {});
    clients.push(plain);
    await expect(plain.ping()).rejects.toThrow();
    expect(await secure(port).ping()).toBe('PONG');
  });

  it('does not start without a certificate, or without an authority where clients must show one', async () => {
    const port = await freePort();
    await expect(Respite.start({ 'tls-port': port })).rejects.toThrow('Failed to configure TLS');
    const { cert, key } = authority.issue('server');
    await expect(
      Respite.start({ 'tls-port': port, 'tls-cert-file': cert, 'tls-key-file': key }),
    ).rejects.toThrow('Failed to configure TLS');
  });
});
