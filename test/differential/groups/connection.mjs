import * as g from '../generators.mjs';

const { oneOf, optional } = g;

const name = oneOf('conn', 'other', '', 'with space', 'new\nline', '\xff');

/** @type {import('../groups.mjs').Group} */
export const connection = {
  name: 'connection',
  commands: {
    PING: [optional(g.value)],
    ECHO: [g.value],
    // Exact: where a later option is wrong, 7.0 has done what the earlier ones say, 7.2 has done nothing.
    HELLO: {
      syntax: [
        optional(
          oneOf('2', '3', '2', '3', '1', '4', 'x', g.edgeNumber),
          oneOf(
            [],
            ['SETNAME', name],
            ['AUTH', 'nobody', 'pw'],
            [['AUTH', 'default', 'any'], optional('SETNAME', name)],
            [g.junk],
          ),
        ),
      ],
      exact: true,
    },
    AUTH: [oneOf('pw', ['default', 'any'], ['nobody', 'pw'])],
    QUIT: { syntax: [], weight: 0.2 },
    RESET: { syntax: [], weight: 0.5 },
    'CLIENT ID': [],
    'CLIENT GETNAME': [],
    'CLIENT SETNAME': [name],
    'CLIENT SETINFO': {
      syntax: [oneOf('LIB-NAME', 'lib-ver', 'junk'), oneOf('lib', 'a b', '1.0', 'new\nline')],
      since: '7.2.0',
    },
    'CLIENT LIST': [
      optional(oneOf(['TYPE', oneOf('normal', 'replica', 'pubsub', 'junk')], ['ID', g.smallInteger])),
    ],
    'CLIENT INFO': [],
    'CLIENT KILL': {
      syntax: oneOf(
        '1.2.3.4:5',
        ['ID', oneOf('999999999', '0', '-1', 'x')],
        ['ADDR', '1.2.3.4:5'],
        ['LADDR', '1.2.3.4:5'],
        ['TYPE', oneOf('pubsub', 'replica', 'junk')],
        ['USER', 'nobody'],
        ['ID', '999999999', 'SKIPME', oneOf('yes', 'no', 'junk')],
        ['ID'],
        ['JUNK', '1'],
      ),
      exact: true,
    },
    'CLIENT HELP': [],
    CLIENT: [oneOf('NOSUCH', 'getname'), optional(g.junk)],
  },
};
