import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../src/temporal/ports.ts'
import { MissingServer, type TestServer } from './server.ts'

const httpd = '/usr/sbin/apache2'
const modules = '/usr/lib/apache2/modules'
const svnadmin = '/usr/bin/svnadmin'
const account = { user: 'testbed', password: 'testbed-secret' }
const realm = 'testbed'
const needed = [
  ...['mpm_event', 'authn_core', 'authn_file', 'authz_core', 'authz_user', 'auth_basic', 'auth_digest'],
  ...['alias', 'dav', 'dav_fs', 'dav_svn'],
]

/**
 * Apache with mod_dav_fs over a folder of this machine, at `/dav/` by Basic and at `/digest/` by Digest, and mod_dav_svn over
 * the repositories in another, at `/svn/<name>/`.
 */
export const apache: TestServer = {
  name: 'apache',
  what: 'Apache: WebDAV on files, and Subversion',

  program() {
    const missing = [httpd, svnadmin, join(modules, 'mod_dav_svn.so')].filter((path) => !existsSync(path))
    if (missing.length === 0) return httpd
    throw new MissingServer(
      'apache: Apache with mod_dav_svn is missing (Debian: apt-get install apache2 libapache2-mod-svn subversion)',
    )
  },

  async prepare(folder, command) {
    const [data, repositories, locks] = [join(folder, 'data'), join(folder, 'svn'), join(folder, 'locks')]
    for (const path of [data, repositories, locks]) mkdirSync(path, { recursive: true })
    makeRepository(repositories, 'repository')
    const { user, password } = account
    const [basicFile, digestFile, config] = [join(folder, 'basic'), join(folder, 'digest'), join(folder, 'config')]
    writeFileSync(basicFile, `${user}:{SHA}${createHash('sha1').update(password).digest('base64')}\n`)
    const ha1 = createHash('md5').update(`${user}:${realm}:${password}`).digest('hex')
    writeFileSync(digestFile, `${user}:${realm}:${ha1}\n`)
    const accessLog = join(folder, 'access.log')
    const port = await freePort()
    writeFileSync(config, configuration({ folder, data, repositories, locks, basicFile, digestFile, accessLog, port }))
    if (userInfo().uid === 0) giveAway(folder, [data, repositories, locks])
    return {
      command,
      args: ['-d', folder, '-f', config, '-D', 'FOREGROUND'],
      port,
      auth: { url: `http://127.0.0.1:${port}/dav/`, username: user, password },
      data,
      accessLog,
    }
  },
}

/** One more repository below the testbed's, which anybody who may log in may change, its properties too. */
export function makeRepository(repositories: string, name: string): string {
  const repository = join(repositories, name)
  if (existsSync(repository)) return repository
  execFileSync(svnadmin, ['create', repository])
  const hook = join(repository, 'hooks', 'pre-revprop-change')
  writeFileSync(hook, '#!/bin/sh\nexit 0\n')
  chmodSync(hook, 0o755)
  if (userInfo().uid === 0) execFileSync('chown', ['-R', 'www-data:www-data', repository])
  return repository
}

/** Root's Apache works as somebody else. */
function giveAway(folder: string, theirs: readonly string[]): void {
  const [uid, gid] = ['-u', '-g'].map((which) => Number(execFileSync('id', [which, 'www-data'])))
  for (const path of theirs) chownSync(path, uid!, gid!)
  chmodSync(folder, 0o755)
}

interface Places {
  folder: string
  data: string
  repositories: string
  locks: string
  basicFile: string
  digestFile: string
  accessLog: string
  port: number
}

function configuration(at: Places): string {
  const loaded = needed.map((name) => `LoadModule ${name}_module ${join(modules, `mod_${name}.so`)}`)
  const asSomebody = userInfo().uid === 0 ? 'User www-data\nGroup www-data' : ''
  return `
${loaded.join('\n')}
ServerName localhost
Listen 127.0.0.1:${at.port}
${asSomebody}
PidFile ${join(at.folder, 'pid')}
ErrorLog ${join(at.folder, 'error.log')}
LogFormat "%m %U %>s %I %O" short
CustomLog ${at.accessLog} short
DefaultRuntimeDir ${at.folder}
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
StartServers 2
ThreadsPerChild 64
MaxRequestWorkers 256
DocumentRoot ${at.data}
DavLockDB ${join(at.locks, 'lockdb')}
LimitXMLRequestBody 0
<Directory />
  Require all denied
</Directory>
Alias /dav ${at.data}
Alias /digest ${at.data}
<Directory ${at.data}>
  Options None
  AllowOverride None
</Directory>
<Location /dav>
  DAV On
  AuthType Basic
  AuthName ${realm}
  AuthUserFile ${at.basicFile}
  Require valid-user
</Location>
<Location /digest>
  DAV On
  AuthType Digest
  AuthName ${realm}
  AuthDigestDomain /digest/
  AuthDigestProvider file
  AuthUserFile ${at.digestFile}
  Require valid-user
</Location>
<Location /svn>
  DAV svn
  SVNParentPath ${at.repositories}
  SVNAutoversioning on
  AuthType Basic
  AuthName ${realm}
  AuthUserFile ${at.basicFile}
  Require valid-user
</Location>
`
}
