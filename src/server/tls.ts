import { constants } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import {
  type ConnectionOptions,
  createSecureContext,
  createServer,
  DEFAULT_CIPHERS,
  type Server,
  type TlsOptions,
} from 'node:tls';
import type { Log } from '../commands/server-api.js';
import { ConfigError, type Directives } from '../config/config.js';
import { pathFromConfig, systemErrorText } from '../config/files.js';
import { readByEvents, type SocketEvents } from './listener.js';

const versions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
type Version = (typeof versions)[number];

/**
 * The options of node:tls that the `tls-*` directives stand for. Reads the files, so that what they hold now
 * counts. Throws ConfigError that says which directive or file is at fault.
 */
export function tlsOptions(values: Readonly<Directives>): TlsOptions {
  const auth = values['tls-auth-clients'];
  const options: TlsOptions = {
    cert: requiredFile('tls-cert-file', values['tls-cert-file']),
    key: requiredFile('tls-key-file', values['tls-key-file']),
    passphrase: values['tls-key-file-pass'] || undefined,
    ca: authorities(values),
    ciphers: ciphers(values['tls-ciphers'], values['tls-ciphersuites']),
    dhparam: optionalFile('tls-dh-params-file', values['tls-dh-params-file']),
    honorCipherOrder: values['tls-prefer-server-ciphers'],
    requestCert: auth !== 'no',
    rejectUnauthorized: auth === 'yes',
    sessionTimeout: Math.max(1, values['tls-session-cache-timeout']),
    // Sessions are kept by the clients, in tickets, and of those who take none by TlsSessions.
    secureOptions: values['tls-session-caching'] ? 0 : constants.SSL_OP_NO_TICKET,
    ...versionRange(values['tls-protocols']),
  };
  if (auth !== 'no' && options.ca === undefined) {
    throw new ConfigError(
      'Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or tls-auth-clients are enabled!',
    );
  }
  try {
    createSecureContext(options);
  } catch (error) {
    throw new ConfigError(`Failed to use the TLS certificate, key or ciphers: ${systemErrorText(error)}`);
  }
  return options;
}

/** The options for connections on which this server is the client. Throws ConfigError as `tlsOptions`. */
export function tlsClientOptions(values: Readonly<Directives>): ConnectionOptions {
  const own = values['tls-client-cert-file'] !== '';
  const certificate = own ? ('tls-client-cert-file' as const) : ('tls-cert-file' as const);
  const key = own ? ('tls-client-key-file' as const) : ('tls-key-file' as const);
  return {
    cert: optionalFile(certificate, values[certificate]),
    key: optionalFile(key, values[key]),
    passphrase: values[own ? 'tls-client-key-file-pass' : 'tls-key-file-pass'] || undefined,
    ca: authorities(values),
    ciphers: ciphers(values['tls-ciphers'], values['tls-ciphersuites']),
    // Certificates name what their authority vouches for, which need not be the address that was connected to.
    checkServerIdentity: () => undefined,
    ...versionRange(values['tls-protocols']),
  };
}

function requiredFile(directive: string, path: string): Buffer {
  if (path === '') throw new ConfigError(`No ${directive} configured!`);
  return readFile(directive, pathFromConfig(path));
}

function optionalFile(directive: string, path: string): Buffer | undefined {
  return path === '' ? undefined : readFile(directive, pathFromConfig(path));
}

function readFile(directive: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ConfigError(`Failed to load ${directive}: ${path}: ${systemErrorText(error)}`);
  }
}

/** Certificates of those who may vouch for a client; undefined if none are configured. */
function authorities(values: Readonly<Directives>): Buffer[] | undefined {
  const file = optionalFile('tls-ca-cert-file', values['tls-ca-cert-file']);
  const folder = pathFromConfig(values['tls-ca-cert-dir']);
  const found = file === undefined ? [] : [file];
  if (folder !== '') found.push(...certificatesIn(folder));
  return file === undefined && folder === '' ? undefined : found;
}

function certificatesIn(folder: string): Buffer[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => readFileSync(join(folder, entry.name)));
  } catch (error) {
    throw new ConfigError(`Failed to load tls-ca-cert-dir: ${folder}: ${systemErrorText(error)}`);
  }
}

/** Node takes the ciphers of all versions in one list; what is not configured stays at Node's choice. */
function ciphers(upToVersion12: string, version13: string): string | undefined {
  if (upToVersion12 === '' && version13 === '') return undefined;
  const usual = DEFAULT_CIPHERS.split(':');
  const suites = version13 === '' ? usual.filter((name) => name.startsWith('TLS_')) : [version13];
  const others = upToVersion12 === '' ? usual.filter((name) => !name.startsWith('TLS_')) : [upToVersion12];
  return [...suites, ...others].join(':');
}

/** The oldest and the newest of the versions that `tls-protocols` names; by default TLS 1.2 and 1.3. */
function versionRange(protocols: string): { minVersion: Version; maxVersion: Version } {
  const wanted = protocols.split(/\s+/).filter(Boolean);
  const named = wanted.map((word) =>
    versions.findIndex((version) => version.toLowerCase() === word.toLowerCase()),
  );
  if (named.includes(-1))
    throw new ConfigError(
      'Invalid tls-protocols specified. Use a combination of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3.',
    );
  if (named.length === 0) return { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' };
  return { minVersion: versions[Math.min(...named)], maxVersion: versions[Math.max(...named)] };
}

/** A server that hands over connections once they are secure. It does not listen yet. */
export function createTlsServer(
  options: TlsOptions,
  log: Log,
  onSocket: (socket: Socket, fd: number) => SocketEvents | undefined,
): Server {
  const server = createServer({ ...options, noDelay: true }, (socket) => {
    // With `tls-auth-clients optional` a client may show no certificate, but not a wrong one.
    const shown = options.requestCert === true && socket.getPeerX509Certificate() !== undefined;
    if (shown && !socket.authorized) {
      log.verbose(
        `Error accepting a client connection: ${socket.authorizationError?.message ?? 'certificate'}`,
      );
      socket.destroy();
      return;
    }
    readByEvents(socket, -1, onSocket);
  });
  return server.on('tlsClientError', (error) => {
    log.verbose(`Error accepting a client connection: ${error.message}`);
  });
}
