import { quoteWord } from '../bytes/words.js';
import { Gate } from '../clients/client.js';
import { ConfigError, type DirectiveName } from '../config/config.js';
import { ServerGate } from '../dispatch/admission.js';
import { largestRequestBytes } from '../protocol/request-decoder.js';
import { eventMaskOf } from '../pubsub/notifications.js';
import { requireOpenFiles } from './open-files.js';
import type { RespiteServer } from './server.js';
import { ListenError } from './tcp-listeners.js';

/**
 * Makes those directives take effect that no part of the server follows by itself: once at the start, and again with
 * each CONFIG SET.
 */
export function applyConfig(server: RespiteServer): void {
  const { config, loop } = server;
  const { values } = config;
  renameCommands(server);
  config.follow('proto-max-bulk-len', (bytes) => {
    loop.limits.maxBulkLength = Math.min(bytes, largestRequestBytes);
  });
  config.follow('client-query-buffer-limit', (bytes) => {
    loop.queryBufferLimit = Math.min(bytes, largestRequestBytes);
  });
  config.onChange('client-output-buffer-limit', (limits) => {
    loop.outputBufferLimits = limits;
  });
  const { listSettings, streamSettings } = server.keyspace;
  config.follow('list-max-listpack-size', (size) => listSettings.setMaxListpackSize(size));
  config.follow('stream-node-max-bytes', (bytes) => streamSettings.setNodeBytes(bytes));
  config.follow('stream-node-max-entries', (entries) => streamSettings.setNodeEntries(entries));
  const trackAccess = () => {
    const {
      'maxmemory-policy': policy,
      'lfu-log-factor': logFactor,
      'lfu-decay-time': decayMinutes,
    } = values;
    server.keyspace.trackFrequency(policy.endsWith('lfu') ? { logFactor, decayMinutes } : 'off');
  };
  trackAccess();
  config.onChangeOfAny(['maxmemory-policy', 'lfu-log-factor', 'lfu-decay-time'], trackAccess);
  limitMemory(server);
  config.onChangeOfAny(['stop-writes-on-bgsave-error', 'save'], () => server.updateWriteGate());
  config.follow('notify-keyspace-events', (letters) => {
    server.keyspace.eventMask = eventMaskOf(letters);
  });
  config.onChange('hz', (hz) => server.timers.start(1000 / hz));
  config.onChange('requirepass', (password) => {
    if (password !== '') return;
    for (const client of server.clients.all()) client.setGate(Gate.unauthenticated, false);
  });
  const { tracking } = server;
  config.follow('tracking-table-max-keys', (most) => {
    tracking.mostKeys = most;
    tracking.enforceLimit();
  });
  config.onChange('maxclients', requireOpenFiles);
  const { listeners } = server;
  const cannotListen = 'Unable to listen on this port. Check server logs.';
  config.onChange('bind', () =>
    listening(server, () => listeners.rebind(config), 'Failed to bind to specified addresses.'),
  );
  config.onChange('port', () => listening(server, () => listeners.rebindTcp(config), cannotListen));
  config.onChangeOfAny(['tls-port', 'tls-auth-clients'], () =>
    listening(server, () => listeners.rebindTls(config), cannotListen),
  );
  config.onChangeOfAny(reloadedWithTls, () => {
    listening(
      server,
      () => listeners.reloadTls(config),
      'Unable to update TLS configuration. Check server logs.',
    );
  });
}

/** Throws ConfigError. */
function renameCommands({ commands, config }: RespiteServer): void {
  for (const [from, to] of config.values['rename-command']) {
    const refusal = commands.rename(from, to);
    if (refusal === undefined) continue;
    throw new ConfigError(`>>> 'rename-command ${quoteWord(from)} ${quoteWord(to)}'\n${refusal}`);
  }
}

/** What `maxmemory` and its companions say. */
function limitMemory(server: RespiteServer): void {
  const { config, loop, memoryLimit } = server;
  const { values } = config;
  const configure = () => {
    loop.dispatcher.setGate(ServerGate.memoryLimit, values.maxmemory > 0);
    memoryLimit.configure();
    const { unit, amount } = values['maxmemory-clients'];
    loop.clientEviction.limit = unit === 'percent' ? Math.floor((values.maxmemory * amount) / 100) : amount;
  };
  configure();
  config.onChangeOfAny(
    [
      'maxmemory',
      'maxmemory-policy',
      'maxmemory-samples',
      'maxmemory-eviction-tenacity',
      'maxmemory-clients',
      'latency-monitor-threshold',
    ],
    configure,
  );
  config.onChange('maxmemory', (bytes) => {
    if (bytes > 0 && server.metrics.usedMemory > bytes) {
      server.log.warning(
        `maxmemory is now below the ${server.metrics.usedMemory} bytes in use: keys are evicted, or commands that need memory refused, as maxmemory-policy says.`,
      );
    }
    // Not now: in the middle of a transaction nothing else must go.
    if (bytes > 0) server.continueEviction();
  });
}

/** Directives that take effect for new connections without listening anew. */
const reloadedWithTls: DirectiveName[] = [
  'tls-cert-file',
  'tls-key-file',
  'tls-key-file-pass',
  'tls-ca-cert-file',
  'tls-ca-cert-dir',
  'tls-dh-params-file',
  'tls-protocols',
  'tls-ciphers',
  'tls-ciphersuites',
  'tls-prefer-server-ciphers',
  'tls-session-caching',
  'tls-session-cache-timeout',
];

/**
 * Changes where and how the server listens; if that cannot be, the log says why, and CONFIG SET fails with
 * `refusal`.
 */
function listening(server: RespiteServer, change: () => void, refusal: string): void {
  try {
    change();
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    server.log.warning(error.message);
    throw new ConfigError(refusal);
  }
}
