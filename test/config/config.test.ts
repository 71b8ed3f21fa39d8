import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Config, ConfigError, fatalConfigText } from '../../src/config/config.js';
import { directives } from '../../src/config/directives.js';

const folders: string[] = [];
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'respite-config-'));
  folders.push(path);
  return path;
}
afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true });
});

function loaded(text: string): Config {
  const config = new Config();
  config.load(text);
  return config;
}

/** Directives that the configuration itself obeys, and those of which the name is put together. */
const readOtherwise = [
  'enable-protected-configs',
  'enable-debug-command',
  'enable-module-command',
  'include',
];

/** The text of all modules outside a folder. */
function sourcesOutside(folder: string): string {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).map((name) => join('src', name));
  const wanted = files.filter((file) => file.endsWith('.ts') && !file.startsWith(join(folder, '/')));
  return wanted.map((file) => readFileSync(file, 'utf8')).join('\n');
}

function reasonOf(action: () => void): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error.reason;
    throw error;
  }
  return 'no error';
}

const loadReason = (text: string) => reasonOf(() => loaded(text));
const setReason = (config: Config, ...pairs: [string, string][]) => reasonOf(() => config.set(pairs));

describe('reading a file', () => {
  it('skips comments and blank lines, folds the case of names, and accepts CRLF', () => {
    const config = loaded('# x\n\n  \t\n  MaxMemory   1mb  \r\nhz "20"\n');
    expect(config.values.maxmemory).toBe(1_048_576);
    expect(config.values.hz).toBe(20);
  });

  it('accepts aliases, the last line winning whatever its name', () => {
    expect(
      loaded('hash-max-listpack-entries 20\nhash-max-ziplist-entries 21').formatted(
        'hash-max-listpack-entries',
      ),
    ).toBe('21');
    expect(loaded('slave-read-only no').values['replica-read-only']).toBe(false);
    expect(loaded('slaveof 10.0.0.1 6380').values.replicaof).toEqual({ host: '10.0.0.1', port: 6380 });
    expect(loaded('replicaof NO ONE').values.replicaof).toBeNull();
  });

  it('replaces the built-in save points with the first line and adds the next ones', () => {
    expect(new Config().formatted('save')).toBe('3600 1 300 100 60 10000');
    expect(loaded('save 100 100').formatted('save')).toBe('100 100');
    expect(loaded('save 100 100\nsave 5 6 7 8').formatted('save')).toBe('100 100 5 6 7 8');
    expect(loaded('save 100 100\nsave ""').formatted('save')).toBe('');
    expect(loaded('save').formatted('save')).toBe('');
    expect(loaded('save "900  1 300 10"').formatted('save')).toBe('900 1 300 10');
  });

  it('keeps the limits of classes that a line does not name', () => {
    const config = loaded(
      'client-output-buffer-limit slave 1mb 2k 3\nclient-output-buffer-limit pubsub 1 1 1',
    );
    expect(config.formatted('client-output-buffer-limit')).toBe(
      'normal 0 0 0 slave 1048576 2000 3 pubsub 1 1 1',
    );
  });

  it('collects the directives that only files have', () => {
    const config = loaded('rename-command flushdb badger\nrename-command get ""\nuser bob on >x ~* +@all');
    expect(config.values['rename-command']).toEqual([
      ['flushdb', 'badger'],
      ['get', ''],
    ]);
    expect(config.values.user).toEqual([['bob', 'on', '>x', '~*', '+@all']]);
  });

  it('ignores directives of long ago', () => {
    expect(() => loaded('list-max-ziplist-entries 3\nlua-replicate-commands yes')).not.toThrow();
  });

  it.each([
    ['nope 1', 'Bad directive or wrong number of arguments'],
    ['list-max-ziplist-entries', 'Bad directive or wrong number of arguments'],
    ['sentinel a b', 'sentinel directive while not in sentinel mode'],
    ['hz "1', 'Unbalanced quotes in configuration line'],
    ['hz', 'wrong number of arguments'],
    ['hz 5 # five', 'wrong number of arguments'],
    ['hz x', "argument couldn't be parsed into an integer"],
    ['hz 010', "argument couldn't be parsed into an integer"],
    ['hz +5', "argument couldn't be parsed into an integer"],
    ['port 65536', 'argument must be between 0 and 65535 inclusive'],
    ['lua-time-limit -1', 'argument must be between 0 and 9223372036854775807 inclusive'],
    ['maxclients 0', 'argument must be between 1 and 4294967295 inclusive'],
    ['appendonly maybe', "argument must be 'yes' or 'no'"],
    ['appendfsync never', 'argument(s) must be one of the following: everysec, always, no'],
    [
      'shutdown-on-sigint later',
      'argument(s) must be one of the following: default, save, nosave, now, force',
    ],
    ['maxmemory 1.5gb', 'argument must be a memory value'],
    ['maxmemory -1', 'argument must be a memory value'],
    ['proto-max-bulk-len 1', 'argument must be between 1048576 and 9223372036854775807 inclusive'],
    ['maxmemory-clients 101%', 'percentage argument must be less or equal to 100'],
    ['maxmemory-clients -5%', 'argument must be a memory or percent value'],
    ['unixsocketperm 999', "argument couldn't be parsed as an octal number"],
    ['unixsocketperm 1777', 'argument must be between 0 and 777 inclusive'],
    ['dir /no/such/folder', 'No such file or directory'],
    ['dbfilename a/b', "dbfilename can't be a path, just a filename"],
    ['appendfilename ""', "appendfilename can't be empty"],
    ['appenddirname a/b', "appenddirname can't be a path, just a dirname"],
    ['save 1', 'Invalid save parameters'],
    ['save 0 1', 'Invalid save parameters'],
    ['save "" 1', 'Invalid save parameters'],
    ['bind a b c d e f g h i j k l m n o p q', 'Too many bind addresses specified.'],
    ['client-output-buffer-limit foo 1 2 3', 'Invalid client class specified in buffer limit configuration.'],
    ['client-output-buffer-limit normal 1 2', 'Wrong number of arguments in buffer limit configuration.'],
    [
      'client-output-buffer-limit normal x 1 2',
      'Error in hard, soft or soft_seconds setting in buffer limit configuration.',
    ],
    ['oom-score-adj-values 1 2', 'wrong number of arguments'],
    ['oom-score-adj-values a 2 1', 'Invalid oom-score-adj-values, elements must be between -2000 and 2000.'],
    ['notify-keyspace-events KQ', "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."],
    ['replicaof a 99999', 'Invalid master port'],
    ['proc-title-template {foo}', 'template format is invalid or contains unknown variables'],
    ['cluster-announce-hostname a_b', 'Hostnames may only contain alphanumeric characters, hyphens or dots'],
    [
      'latency-tracking-info-percentiles 101',
      'latency-tracking-info-percentiles parameters should sit between [0.0,100.0]',
    ],
    ['latency-tracking-info-percentiles 5x', 'Invalid latency-tracking-info-percentiles parameters'],
    ['rename-command get', 'Bad directive or wrong number of arguments'],
    ['cluster-enabled yes\nreplicaof a 1', 'replicaof directive not allowed in cluster mode'],
  ])('refuses %j', (text, reason) => {
    expect(loadReason(text)).toBe(reason);
  });

  it('names file, line and reason in a fatal error', () => {
    let text = '';
    try {
      new Config().load('# a\nport 1\n  hz   x\n', '/etc/redis.conf');
    } catch (error) {
      if (error instanceof ConfigError) text = fatalConfigText(error);
    }
    expect(text).toBe(
      '\n*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\n' +
        'Reading the configuration file, at line 3 of /etc/redis.conf\n' +
        ">>> 'hz   x'\nargument couldn't be parsed into an integer\n",
    );
  });
});

describe('include', () => {
  it('reads files at its place, with wildcards in alphabetical order', () => {
    const at = folder();
    writeFileSync(join(at, 'b.conf'), 'hz 30\ntimeout 5');
    writeFileSync(join(at, 'a.conf'), 'hz 20');
    const config = loaded(`hz 5\ninclude ${at}/*.conf\ninclude ${at}/none*.conf\ntimeout 6`);
    expect(config.values.hz).toBe(30);
    expect(config.values.timeout).toBe(6);
  });

  it('names the included file in errors', () => {
    const at = folder();
    writeFileSync(join(at, 'a.conf'), '\nhz x');
    expect(() => loaded(`include ${at}/a.conf`)).toThrow(`${join(at, 'a.conf')}:2: 'hz x': argument`);
  });

  it('refuses a file that is not there, and one that includes itself', () => {
    const at = folder();
    expect(loadReason(`include ${at}/none.conf`)).toBe(
      `Fatal error, can't open config file '${join(at, 'none.conf')}': No such file or directory`,
    );
    writeFileSync(join(at, 'self.conf'), `include ${at}/self.conf`);
    expect(loadReason(`include ${at}/self.conf`)).toBe('Files include each other without end');
  });
});

describe('CONFIG GET', () => {
  it('answers aliases under their own names, without duplicates', () => {
    expect(new Config().getMatching(['*of', 'replicaof', 'maxmemory'])).toEqual([
      ['replicaof', ''],
      ['maxmemory', '0'],
      ['slaveof', ''],
    ]);
  });

  it('answers an exact name as it was written, a pattern with the real names', () => {
    expect(new Config().getMatching(['MAXMEMORY'])).toEqual([['MAXMEMORY', '0']]);
    expect(new Config().getMatching(['MAX*mory'])).toEqual([['maxmemory', '0']]);
  });

  it('shows hidden directives only to those who know the name', () => {
    const config = new Config();
    expect(config.getMatching(['key-load-delay'])).toEqual([['key-load-delay', '0']]);
    expect(config.getMatching(['*']).map(([name]) => name)).not.toContain('key-load-delay');
    expect(config.getMatching(['key-load*'])).toEqual([]);
  });

  it('knows nothing of directives that only files have', () => {
    expect(new Config().getMatching(['user', 'include', 'rename-command', 'rename*'])).toEqual([]);
  });

  it.each([
    ['maxmemory', '1k', '1000'],
    ['maxmemory', '5Mb', '5242880'],
    ['maxmemory', '', '0'],
    ['maxmemory', '18446744073709551615', '18446744073709551615'],
    ['stream-node-max-entries', '9223372036854775807', '9223372036854775807'],
    ['hz', '1000', '500'],
    ['hz', '0', '1'],
    ['repl-backlog-size', '1', '16384'],
    ['maxmemory-clients', '5%', '5%'],
    ['maxmemory-clients', '0%', '0'],
    ['shutdown-on-sigint', 'force save', 'save force'],
    ['shutdown-on-sigint', 'default save', 'save'],
    ['notify-keyspace-events', 'KEg$lshzxetd', 'AKE'],
    ['notify-keyspace-events', 'tdKEmn', 'tdnKEm'],
    ['notify-keyspace-events', 'EgxA', 'AE'],
    ['latency-tracking-info-percentiles', '0.001 99.99999999 33.3333333333333 1e1', '0.001 100 33.333333 10'],
    ['latency-tracking-info-percentiles', '', ''],
    ['oom-score-adj', 'relative', 'yes'],
    ['maxmemory-policy', 'AllKeys-LRU', 'allkeys-lru'],
    ['bind', '127.0.0.1 -::1', '127.0.0.1 -::1'],
    ['bind', '', ''],
    ['client-output-buffer-limit', '', 'normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60'],
  ])('shows %s, set to %j, as %j', (name, value, shown) => {
    const config = new Config();
    config.set([[name, value]]);
    expect(config.getMatching([name])).toEqual([[name, shown]]);
  });
});

describe('CONFIG SET', () => {
  it('takes every value that CONFIG GET gives, and leaves it as it was', () => {
    const config = loaded('enable-protected-configs yes');
    for (const [name, value] of config.getMatching(['*'])) {
      const reason = setReason(config, [name, value]);
      if (!reason.endsWith("can't set immutable config")) expect([name, reason]).toEqual([name, 'no error']);
      expect(config.getMatching([name])).toEqual([[name, value]]);
    }
  });

  it('replaces save points', () => {
    const config = loaded('save 1 1');
    config.set([['save', '3000 5']]);
    expect(config.formatted('save')).toBe('3000 5');
  });

  it.each<[[string, string][], string]>([
    [
      [
        ['foo', '1'],
        ['maxmemory', '2'],
      ],
      "Unknown option or number of arguments for CONFIG SET - 'foo'",
    ],
    [[['user', 'bob']], "Unknown option or number of arguments for CONFIG SET - 'user'"],
    [
      [
        ['maxmemory', 'x'],
        ['daemonize', 'yes'],
      ],
      "CONFIG SET failed (possibly related to argument 'daemonize') - can't set immutable config",
    ],
    [
      [
        ['maxmemory', '1'],
        ['maxmemory', '2'],
      ],
      "CONFIG SET failed (possibly related to argument 'maxmemory') - duplicate parameter",
    ],
    [
      [['dbfilename', 'a']],
      "CONFIG SET failed (possibly related to argument 'dbfilename') - can't set protected config",
    ],
    [
      [['port', 'x']],
      "CONFIG SET failed (possibly related to argument 'port') - argument couldn't be parsed into an integer",
    ],
  ])('refuses %j', (pairs, reason) => {
    expect(setReason(new Config(), ...pairs)).toBe(reason);
  });

  it('lets an alias and its directive stand in one command, the last one winning', () => {
    const config = new Config();
    config.set([
      ['slave-read-only', 'yes'],
      ['replica-read-only', 'no'],
    ]);
    expect(config.values['replica-read-only']).toBe(false);
  });

  it('changes protected directives for local clients only if told so', () => {
    const config = loaded('enable-protected-configs local');
    config.set([['dbfilename', 'x']], { local: true, loading: false });
    expect(config.values.dbfilename).toBe('x');
    expect(reasonOf(() => config.set([['dbfilename', 'y']], { local: false, loading: false }))).toContain(
      'protected',
    );
  });

  it('refuses dir while loading, with an error of its own', () => {
    const config = loaded('enable-protected-configs yes');
    expect(() => config.set([['dir', '.']], { local: true, loading: true })).toThrow(
      expect.objectContaining({ code: 'LOADING' }),
    );
    expect(() => config.set([['loglevel', 'debug']], { local: true, loading: true })).not.toThrow();
  });

  it('changes nothing if one value cannot be', () => {
    const config = loaded('maxmemory 10000002');
    let calls = 0;
    config.onChange('maxmemory', () => calls++);
    expect(
      setReason(
        config,
        ['maxmemory', '10000001'],
        ['maxmemory-clients', '200%'],
        ['client-query-buffer-limit', 'x'],
      ),
    ).toBe(
      "CONFIG SET failed (possibly related to argument 'maxmemory-clients') - percentage argument must be less or equal to 100",
    );
    expect(config.values.maxmemory).toBe(10000002);
    expect(calls).toBe(0);
  });

  it('calls hooks with new and old value, when all values are in place, and only for changes', () => {
    const config = new Config();
    const seen: unknown[] = [];
    config.onChange('maxmemory', (value, old) => seen.push([value, old, config.values.hz]));
    config.onChange('timeout', () => seen.push('timeout'));
    config.onChangeOfAny(['hz', 'maxmemory'], () => seen.push('both'));
    config.set([
      ['maxmemory', '5'],
      ['timeout', '0'],
      ['hz', '7'],
    ]);
    expect(seen).toEqual([[5, 0, 7], 'both']);
  });

  it('calls the hooks of a certificate even if its path is the same', () => {
    const config = new Config();
    let calls = 0;
    config.onChange('tls-cert-file', () => calls++);
    config.set([['tls-cert-file', '']]);
    expect(calls).toBe(1);
  });

  it('puts everything back when a hook refuses, also what other hooks had applied', () => {
    const config = new Config();
    let applied = 0;
    config.onChange('maxmemory', (bytes) => (applied = bytes));
    config.onChange('port', () => {
      throw new ConfigError('Unable to listen on this port');
    });
    config.onChange('hz', () => (applied = -1));
    expect(setReason(config, ['maxmemory', '5'], ['port', '1'], ['hz', '20'])).toBe(
      "CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port",
    );
    expect([applied, config.values.maxmemory, config.values.port, config.values.hz]).toEqual([
      0, 0, 6379, 10,
    ]);
  });
});

describe('values set by the program', () => {
  it('are checked and normalized', () => {
    const config = new Config();
    config.assign({
      port: 0,
      bind: ['127.0.0.1'],
      save: [],
      hz: 5000,
      maxmemory: 100,
      'rename-command': [['get', '']],
    });
    expect(config.formatted('save')).toBe('');
    expect(config.values.hz).toBe(500);
    expect(config.values['rename-command']).toEqual([['get', '']]);
    expect(() => config.assign({ hz: 7, port: 70000 })).toThrow(
      'port: argument must be between 0 and 65535 inclusive',
    );
    expect(config.values.hz).toBe(500);
  });

  it('leaves what is undefined alone', () => {
    const config = new Config();
    config.assign({ port: undefined });
    expect(config.values.port).toBe(6379);
  });
});

describe('the table', () => {
  it('names directives without effect only when they were given another value', () => {
    expect(new Config().inertInUse()).toEqual([]);
    expect(loaded('io-threads 4\nactivedefrag no').inertInUse()).toEqual([
      { name: 'io-threads', reason: 'Clients are served by one event loop.', reliedOn: false },
    ]);
  });

  it('calls everything without effect that nothing reads', () => {
    const source = sourcesOutside('src/config');
    const unread = [...directives].filter(
      ([name, { inert }]) => inert === undefined && !new RegExp(`['.{ ,]${name}\\b`).test(source),
    );
    expect(unread.map(([name]) => name)).toEqual(readOtherwise);
  });

  it('has defaults that their own kinds accept', () => {
    for (const [name, { kind, initial, fileOnly }] of directives) {
      if (fileOnly || name === 'dir') continue;
      expect([name, kind.parse([kind.format(initial)], kind.startFrom ?? initial)]).toEqual([name, initial]);
    }
  });

  it('has one sentence of help for each', () => {
    for (const [name, { help }] of directives)
      expect([name, help]).toEqual([name, expect.stringMatching(/^[A-Z].*\.$/)]);
  });
});
