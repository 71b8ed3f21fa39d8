import { describe, expect, it } from 'vitest';
import { startSession } from '../support/raw-session.js';

const wrongPassword = '-WRONGPASS invalid username-password pair or user is disabled.\r\n';
const noAuth = '-NOAUTH Authentication required.\r\n';

function helloReply(protocol: 2 | 3, id: number): string {
  const head = protocol === 3 ? '%7' : '*14';
  return (
    `${head}\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\nproto\r\n:${protocol}\r\n` +
    `$2\r\nid\r\n:${id}\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n`
  );
}

describe('PING and ECHO', () => {
  it('answer', async () => {
    const { send } = await startSession();
    expect(await send('PING')).toBe('+PONG\r\n');
    expect(await send('ping hello')).toBe('$5\r\nhello\r\n');
    expect(await send('PING a b')).toBe("-ERR wrong number of arguments for 'ping' command\r\n");
    expect(await send('ECHO hello')).toBe('$5\r\nhello\r\n');
    expect(await send('ECHO')).toBe("-ERR wrong number of arguments for 'echo' command\r\n");
  });
});

describe('HELLO', () => {
  it('describes the server in the protocol that it switches to', async () => {
    const { send } = await startSession();
    expect(await send('HELLO')).toBe(helloReply(2, 1));
    expect(await send('HELLO 3')).toBe(helloReply(3, 1));
    expect(await send('HELLO')).toBe(helloReply(3, 1));
    expect(await send('HELLO 2')).toBe(helloReply(2, 1));
  });

  it('names the connection', async () => {
    const { send } = await startSession();
    expect(await send('HELLO 3 SETNAME me')).toBe(helloReply(3, 1));
    expect(await send('CLIENT GETNAME')).toBe('$2\r\nme\r\n');
  });

  it.each([
    ['HELLO x', '-ERR Protocol version is not an integer or out of range\r\n'],
    ['HELLO 1', '-NOPROTO unsupported protocol version\r\n'],
    ['HELLO 4', '-NOPROTO unsupported protocol version\r\n'],
    ['HELLO 3 FOO', "-ERR Syntax error in HELLO option 'FOO'\r\n"],
    ['HELLO 3 AUTH a', "-ERR Syntax error in HELLO option 'AUTH'\r\n"],
    ['HELLO 3 SETNAME', "-ERR Syntax error in HELLO option 'SETNAME'\r\n"],
    ['HELLO 3 AUTH nobody x', wrongPassword],
    ['HELLO 3 SETNAME \x07', '-ERR Client names cannot contain spaces, newlines or special characters.\r\n'],
  ])('%s is refused and changes nothing', async (line, error) => {
    const { send } = await startSession();
    expect(await send(line)).toBe(error);
    expect(await send('HELLO')).toBe(helloReply(2, 1));
  });

  it('logs in before anything else is allowed', async () => {
    const { send } = await startSession({ requirepass: 'secret' });
    const mustLogIn =
      '-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> ' +
      'option can be used to authenticate the client and select the RESP protocol version at the same time\r\n';
    expect(await send('HELLO')).toBe(mustLogIn);
    expect(await send('HELLO 3 SETNAME x')).toBe(mustLogIn);
    expect(await send('HELLO 3 AUTH default wrong')).toBe(wrongPassword);
    expect(await send('PING')).toBe(noAuth);
    expect(await send('HELLO 3 AUTH default secret')).toBe(helloReply(3, 1));
    expect(await send('PING')).toBe('+PONG\r\n');
  });
});

describe('AUTH', () => {
  it('has nothing to check without a password', async () => {
    const { send } = await startSession();
    expect(await send('AUTH x')).toBe(
      '-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?\r\n',
    );
    expect(await send('AUTH default x')).toBe('+OK\r\n');
    expect(await send('AUTH nobody x')).toBe(wrongPassword);
    expect(await send('AUTH a b c')).toBe('-ERR syntax error\r\n');
    expect(await send('AUTH')).toBe("-ERR wrong number of arguments for 'auth' command\r\n");
  });

  it('wants the password, byte by byte', async () => {
    const { send, client } = await startSession({ requirepass: 'abc\x00ÿ' });
    expect(await send('SET a b')).toBe(noAuth);
    for (const wrong of ['abc', 'abc\x00', 'abc\x00\xff', 'abc\x00\xc3\xbf0', '']) {
      expect(await client.raw('AUTH', wrong)).toBe(wrongPassword);
    }
    expect(await client.raw('AUTH', 'abc\x00\xc3\xbf')).toBe('+OK\r\n');
    expect(await send('SET a b')).toBe('+OK\r\n');
  });

  it('leaves a connection logged in when a later attempt fails', async () => {
    const { send } = await startSession({ requirepass: 'secret' });
    expect(await send('AUTH default secret')).toBe('+OK\r\n');
    expect(await send('AUTH wrong')).toBe(wrongPassword);
    expect(await send('PING')).toBe('+PONG\r\n');
    expect(await send('INFO stats')).toContain('acl_access_denied_auth:1\r\n');
  });
});

describe('SELECT', () => {
  it('changes the database of this connection only', async () => {
    const { send, another } = await startSession();
    const other = await another();
    expect(await send('SELECT 15')).toBe('+OK\r\n');
    expect(await send('SET k v')).toBe('+OK\r\n');
    expect(await other('EXISTS k')).toBe(':0\r\n');
  });

  it.each([
    ['x', '-ERR value is not an integer or out of range\r\n'],
    ['16', '-ERR DB index is out of range\r\n'],
    ['-1', '-ERR DB index is out of range\r\n'],
    ['99999999999', '-ERR value is out of range, value must between -2147483648 and 2147483647\r\n'],
  ])('%s is refused', async (index, error) => {
    const { send } = await startSession();
    expect(await send(`SELECT ${index}`)).toBe(error);
  });
});

describe('QUIT', () => {
  it('replies, runs nothing more and closes', async () => {
    const { client, another } = await startSession();
    const other = await another();
    client.write('QUIT\r\nSET k v\r\n');
    expect(String(await client.nextRaw())).toBe('+OK\r\n');
    await client.closed;
    expect(await other('EXISTS k')).toBe(':0\r\n');
  });

  it('is allowed before logging in', async () => {
    const { send, client } = await startSession({ requirepass: 'secret' });
    expect(await send('QUIT')).toBe('+OK\r\n');
    await client.closed;
  });
});

describe('RESET', () => {
  it('brings back the state of a new connection', async () => {
    const { send } = await startSession();
    for (const line of [
      'HELLO 3 SETNAME me',
      'SELECT 5',
      'WATCH k',
      'CLIENT NO-EVICT on',
      'CLIENT NO-TOUCH on',
    ]) {
      await send(line);
    }
    await send('MULTI');
    expect(await send('SET k v')).toBe('+QUEUED\r\n');
    expect(await send('RESET')).toBe('+RESET\r\n');
    expect(await send('CLIENT GETNAME')).toBe('$-1\r\n');
    expect(await send('EXEC')).toBe('-ERR EXEC without MULTI\r\n');
    const line = await send('CLIENT INFO');
    expect(line).toContain(' flags=N db=0 ');
    expect(line).toContain(' resp=2 ');
  });

  it('gets no reply itself after CLIENT REPLY SKIP, but one after CLIENT REPLY OFF', async () => {
    const { client } = await startSession();
    client.write('CLIENT REPLY SKIP\r\nRESET\r\nPING\r\n');
    expect(String(await client.nextRaw())).toBe('+PONG\r\n');
    client.write('CLIENT REPLY OFF\r\nRESET\r\nPING\r\n');
    expect(String(await client.nextRaw())).toBe('+RESET\r\n');
    expect(String(await client.nextRaw())).toBe('+PONG\r\n');
  });

  it('logs out and keeps the library name', async () => {
    const { send } = await startSession({ requirepass: 'secret' });
    await send('AUTH secret');
    await send('CLIENT SETINFO lib-name lib');
    expect(await send('RESET')).toBe('+RESET\r\n');
    expect(await send('PING')).toBe(noAuth);
    await send('AUTH secret');
    expect(await send('CLIENT INFO')).toContain(' lib-name=lib ');
  });
});
