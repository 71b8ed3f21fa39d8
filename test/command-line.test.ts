import { describe, expect, it } from 'vitest';
import { joinConfiguration, parseCommandLine } from '../src/command-line.js';
import { Config, ConfigError, fatalConfigText } from '../src/config/config.js';
import { directives } from '../src/config/directives.js';

function overrides(...args: string[]): string {
  const line = parseCommandLine(args, '1.2.3');
  if (line.kind !== 'start') throw new Error('expected a start');
  return line.overrides;
}

function configured(...args: string[]): Config {
  const config = new Config();
  config.load(overrides(...args));
  return config;
}

function failure(...args: string[]): string {
  try {
    configured(...args);
  } catch (error) {
    if (error instanceof ConfigError) return fatalConfigText(error);
    throw error;
  }
  return 'no error';
}

describe('what the command line asks for', () => {
  it('starts with the defaults when nothing is said', () => {
    expect(parseCommandLine([], '1')).toEqual({
      kind: 'start',
      importFrom: undefined,
      configFile: undefined,
      readStdin: false,
      overrides: '',
    });
  });

  it('takes a first argument without a dash for the configuration file', () => {
    expect(parseCommandLine(['a.conf', '--hz', '5'], '1')).toEqual({
      kind: 'start',
      importFrom: undefined,
      configFile: 'a.conf',
      readStdin: false,
      overrides: 'hz "5"\n',
    });
  });

  it.each([
    [['-'], undefined, ''],
    [['-', '--hz', '5'], undefined, 'hz "5"\n'],
    [['--hz', '5', '-'], undefined, 'hz "5"\n'],
    [['a.conf', '--hz', '5', '-'], 'a.conf', 'hz "5"\n'],
  ])('reads the standard input for a dash at an end: %j', (args, configFile, lines) => {
    expect(parseCommandLine(args, '1')).toEqual({
      kind: 'start',
      importFrom: undefined,
      configFile,
      readStdin: true,
      overrides: lines,
    });
  });

  it('prints the version in one line', () => {
    for (const flag of ['-v', '--version']) {
      const line = parseCommandLine([flag, 'x'], '1.2.3');
      expect(line.kind === 'print' && line.output).toMatch(
        /^Respite server v=1\.2\.3 redis=7\.2\.4 .*bits=64\n$/,
      );
    }
  });

  it('lists every directive by group in the help', () => {
    const line = parseCommandLine(['--help'], '1');
    const output = line.kind === 'print' ? line.output : '';
    expect(output).toContain('Usage: respite [file]');
    expect(output).toContain('Append only file:\n');
    for (const [name, directive] of directives)
      if (!directive.hidden && !directive.fileOnly) expect(output).toContain(`--${name} <`);
    expect(output).toMatch(/--maxmemory-policy <value> /);
  });

  it('has version and help only in first place', () => {
    expect(failure('--port', '1', '--version')).toContain("'version'\nBad directive");
  });

  it('keeps bytes beyond ASCII as UTF-8', () => {
    expect(overrides('--masterauth', 'é')).toBe('masterauth "\\xc3\\xa9"\n');
  });
});

describe('what becomes of the arguments', () => {
  it.each([
    [['--port', '6380'], 'port "6380"\n'],
    [['--port 6380', '--hz 5'], 'port 6380\nhz 5\n'],
    [['a.conf', 'loglevel', 'verbose', "--maxmemory '700mb'"], '"loglevel" "verbose"\nmaxmemory \'700mb\'\n'],
    [
      ['--proc-title-template', '--my--title', '--loglevel', 'debug'],
      'proc-title-template "--my--title"\nloglevel "debug"\n',
    ],
    [['--proc-title-template --my--title', '--hz 5'], 'proc-title-template --my--title\nhz 5\n'],
    [['--slaveof', 'host', '1', '--hz', '5'], 'slaveof "host" "1"\nhz "5"\n'],
    [['--save', '--loglevel', 'debug'], 'save ""\nloglevel "debug"\n'],
    [['--loglevel', 'debug', '--save'], 'loglevel "debug"\nsave ""\n'],
    [['--save', '', '--hz', '5'], 'save ""\nhz "5"\n'],
    [
      ['--proc-title-template', '--save', '--save', '', '--hz', '5'],
      'proc-title-template "--save"\nsave ""\nhz "5"\n',
    ],
    [['--save', '60', '1', '300', '100'], 'save "60" "1" "300" "100"\n'],
    [['--hz', '5', '--'], 'hz "5"\n'],
    [['--port=6380'], 'port=6380\n'],
    [['-p', '6380'], '"-p" "6380"\n'],
    [['--hz', '-5'], 'hz "-5"\n'],
  ])('%j', (args, lines) => {
    expect(overrides(...args)).toBe(lines);
  });

  it('adds save points to those of the file', () => {
    const config = new Config();
    config.load(joinConfiguration("save ''\nsave 900 1\n", '', overrides('--save', '100', '100')));
    expect(config.formatted('save')).toBe('900 1 100 100');
  });

  it('removes all save points', () => {
    const config = new Config();
    config.load(joinConfiguration('save 900 1\n', '', overrides('--save', '')));
    expect(config.formatted('save')).toBe('');
  });

  it('splits a single value of a directive that takes several', () => {
    const config = configured(
      '--shutdown-on-sigint',
      'nosave',
      'force',
      'now',
      '--shutdown-on-sigterm',
      'nosave force',
    );
    expect(config.formatted('shutdown-on-sigint')).toBe('nosave now force');
    expect(config.formatted('shutdown-on-sigterm')).toBe('nosave force');
  });
});

describe('errors of the command line, in the words that the public test suite looks for', () => {
  it.each([
    [['--invalid'], /'invalid'\nBad directive or wrong number of arguments/],
    [['--port'], /'port'\nwrong number of arguments/],
    [['--port', '6380', '--loglevel'], /'loglevel'\nwrong number of arguments/],
    [['--port', '6379', '6380'], /'port "6379" "6380"'\nwrong number of arguments/],
    [['--port', '--loglevel', 'verbose'], /'port "--loglevel" "verbose"'\nwrong number of arguments/],
    [
      ['--port', '--bla', '--loglevel', 'verbose'],
      /'port "--bla"'\nargument couldn't be parsed into an integer/,
    ],
    [
      ['--logfile', '--my--log--file', '--loglevel', '--bla'],
      /'loglevel "--bla"'\nargument\(s\) must be one of the following: debug, verbose, notice, warning, nothing/,
    ],
    [['--shutdown-on-sigint'], /'shutdown-on-sigint'\nargument\(s\) must be one of the following/],
    [
      ['--shutdown-on-sigint', 'now force', '--shutdown-on-sigterm'],
      /'shutdown-on-sigterm'\nargument\(s\) must be one of the following/,
    ],
    [['--replicaof', '127.0.0.1', 'abc'], /'replicaof "127.0.0.1" "abc"'\nInvalid master port/],
    [['--replicaof', '--127.0.0.1', 'abc'], /'replicaof "--127.0.0.1" "abc"'\nInvalid master port/],
    [['--replicaof', '--127.0.0.1', '--abc'], /'replicaof "--127.0.0.1"'\nwrong number of arguments/],
    [['--masterauth a b'], /'masterauth a b'\nwrong number of arguments/],
  ])('%j', (args, expected) => {
    expect(failure(...args)).toMatch(expected);
  });

  it('counts lines over file, standard input and arguments', () => {
    expect(joinConfiguration('', '', 'hz "x"\n').split('\n').indexOf('hz "x"')).toBe(1);
    expect(joinConfiguration('hz 5\nport 1', '', 'hz "x"\n').split('\n').indexOf('hz "x"')).toBe(2);
    expect(joinConfiguration('hz 5\n', 'timeout x\n', '').split('\n').indexOf('timeout x')).toBe(2);
  });
});
