import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { fingerprint } from '../../src/connector/sftp/known_hosts.ts'
import { freePort } from '../../src/temporal/ports.ts'
import { MissingServer, type TestServer } from './server.ts'

const sshd = '/usr/sbin/sshd'

/** OpenSSH over a folder of this machine; whoever runs it logs in, with a key made for it. */
export const sftp: TestServer = {
  name: 'sftp',
  what: 'OpenSSH: SFTP, on files',

  program() {
    if (existsSync(sshd)) return sshd
    throw new MissingServer('sftp: OpenSSH’s server is missing (Debian: apt-get install openssh-server)')
  },

  async prepare(folder, command) {
    const data = join(folder, 'data')
    mkdirSync(data, { recursive: true })
    const [host, user, config] = ['host', 'user', 'config'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    for (const file of [host, user])
      if (!existsSync(file)) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file])
    // Where it keeps its unprivileged part; a package's service would make it.
    if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true })
    const port = await freePort()
    const settings = {
      Port: port,
      ListenAddress: '127.0.0.1',
      HostKey: host,
      AuthorizedKeysFile: `${user}.pub`,
      PidFile: join(folder, 'pid'),
      PermitRootLogin: 'yes',
      PasswordAuthentication: 'no',
      KbdInteractiveAuthentication: 'no',
      StrictModes: 'no',
      UsePAM: 'no',
      MaxStartups: '200',
      Subsystem: 'sftp internal-sftp',
    }
    const lines = Object.entries(settings).map(([key, value]) => `${key} ${value}\n`)
    writeFileSync(config, lines.join(''))
    const [, key = ''] = readFileSync(`${host}.pub`, 'utf8').split(' ')
    return {
      command,
      args: ['-D', '-e', '-f', config],
      port,
      auth: {
        host: '127.0.0.1',
        port,
        username: userInfo().username,
        private_key_file: user,
        host_key: fingerprint(Buffer.from(key, 'base64')),
        root: data,
      },
      data,
    }
  },
}
