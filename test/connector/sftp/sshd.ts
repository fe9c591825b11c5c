import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection, createServer, type AddressInfo } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const program = '/usr/sbin/sshd'

/** Why there is no OpenSSH server to test against; undefined when there is one. */
export function missingSshd(): string | undefined {
  return existsSync(program) ? undefined : `${program} is missing (Debian: apt-get install openssh-server)`
}

export interface Sshd {
  port: number
  username: string
  /** The text of a key that logs in. */
  privateKey: string
  privateKeyFile: string
  /** A known_hosts line for it. */
  knownHosts: string
  /** Ends the server and all its connections, and begins again at the same port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** An OpenSSH server on a free port of loopback, with keys of its own; the account is the one that runs the tests. */
export async function startSshd(): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), 'stevedore-sshd-'))
  chmodSync(folder, 0o700)
  for (const name of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', join(folder, name)])
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true })
  const port = await freePort()
  const config = join(folder, 'config')
  writeFileSync(
    config,
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${join(folder, 'host')}`,
      `AuthorizedKeysFile ${join(folder, 'user.pub')}`,
      `PidFile ${join(folder, 'pid')}`,
      'PermitRootLogin yes',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'StrictModes no',
      'UsePAM no',
      'MaxStartups 100:30:200',
      'Subsystem sftp internal-sftp',
      '',
    ].join('\n'),
  )
  const begin = async () => {
    const server = spawn(program, ['-D', '-e', '-f', config], { stdio: 'ignore', detached: true })
    await answering(port)
    return server
  }
  let server = await begin()
  // Each connection has processes of its own, in the server's group.
  const end = async () => {
    const gone = new Promise((resolve) => server.once('exit', resolve))
    execFileSync('pkill', ['-KILL', '-P', String(server.pid)], { stdio: 'ignore' }).toString()
    server.kill('SIGKILL')
    await gone
  }
  const quietly = async () => {
    await end().catch(async () => {
      server.kill('SIGKILL')
      await wait(100)
    })
  }
  return {
    port,
    username: userInfo().username,
    privateKey: readFileSync(join(folder, 'user'), 'utf8'),
    privateKeyFile: join(folder, 'user'),
    knownHosts: `[127.0.0.1]:${port} ${readFileSync(join(folder, 'host.pub'), 'utf8').split(' ').slice(0, 2).join(' ')}\n`,
    async restart() {
      await quietly()
      server = await begin()
    },
    async stop() {
      await quietly()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function answering(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = createConnection(port, '127.0.0.1')
      socket.once('connect', () => (socket.destroy(), resolve(true)))
      socket.once('error', () => resolve(false))
    })
    if (isOpen) return
    await wait(50)
  }
  throw new Error(`no SSH server answers at port ${port}`)
}
