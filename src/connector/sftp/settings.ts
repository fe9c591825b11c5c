import type { SettingDescription } from '../connector.ts'
import { givenFor, settingProblems } from '../setting_problems.ts'

export const settings: readonly SettingDescription[] = [
  { key: 'host', meaning: 'the server’s name or address', required: true },
  { key: 'port', meaning: 'its port; 22 when left out' },
  { key: 'username', meaning: 'who logs in', required: true },
  { key: 'password', meaning: 'the password of that account', secret: true },
  { key: 'private_key', meaning: 'a private key, as the text of its file', secret: true },
  { key: 'private_key_file', meaning: 'the file of a private key, on the machine that runs the job' },
  { key: 'passphrase', meaning: 'what opens the private key', secret: true },
  { key: 'agent', meaning: 'the socket of an SSH agent; `env` for the one in SSH_AUTH_SOCK' },
  { key: 'host_key', meaning: 'the fingerprint that the server must have, `SHA256:…`, instead of a known_hosts file' },
  { key: 'known_hosts', meaning: 'the file of known servers; ~/.ssh/known_hosts when left out' },
  { key: 'root', meaning: 'the folder everything happens in; the account’s own when left out' },
]

export interface SftpSettings {
  host: string
  port: number
  username: string
  password?: string
  privateKey?: string
  privateKeyFile?: string
  passphrase?: string
  agent?: string
  hostKey?: string
  knownHosts?: string
  root: string
}

export function problemsOf(auth: Record<string, unknown>): string[] {
  const problems = settingProblems(auth, settings)
  for (const { key } of settings) {
    const value = auth[key]
    if (value !== undefined && key !== 'port' && (typeof value !== 'string' || value.includes('\0')))
      problems.push(`${key}: ${givenFor(key, value)} is not text`)
  }
  if (
    auth.port !== undefined &&
    !(/^\d{1,5}$/.test(String(auth.port)) && Number(auth.port) > 0 && Number(auth.port) < 65536)
  )
    problems.push(`port: ${givenFor('port', auth.port)} is not a port, 1 to 65535`)
  if (auth.host_key !== undefined && !/^SHA256:[A-Za-z0-9+/]{43}=?$/.test(String(auth.host_key)))
    problems.push('host_key: is not a fingerprint of the form SHA256:…, as ssh-keygen -l prints it')
  if (auth.host_key !== undefined && auth.known_hosts !== undefined)
    problems.push('known_hosts: says the same as host_key; give one of them')
  if (!['password', 'private_key', 'private_key_file', 'agent'].some((key) => auth[key] !== undefined))
    problems.push('password: give one of password, private_key, private_key_file, agent')
  return problems
}

/** Of `auth` without problems. */
export function settingsOf(auth: Record<string, unknown>): SftpSettings {
  const text = (key: string): string | undefined => (auth[key] === undefined ? undefined : String(auth[key]))
  const optional = {
    password: text('password'),
    privateKey: text('private_key'),
    privateKeyFile: text('private_key_file'),
    passphrase: text('passphrase'),
    agent: text('agent'),
    hostKey: text('host_key')?.replace(/=$/, ''),
    knownHosts: text('known_hosts'),
  }
  return {
    host: String(auth.host),
    port: Number(auth.port ?? 22),
    username: String(auth.username),
    root: text('root') ?? '.',
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  }
}
