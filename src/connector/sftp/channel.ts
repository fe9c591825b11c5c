import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import {
  Client,
  type Attributes,
  type FileEntryWithStats,
  type InputAttributes,
  type SFTPWrapper,
  type Stats,
} from 'ssh2'
import { ConnectorError } from '../errors.ts'
import { fingerprint, lookUp } from './known_hosts.ts'
import type { SftpSettings } from './settings.ts'
import { codeOf, connectTrouble, status, troubleOf } from './trouble.ts'

export type { Attributes, FileEntryWithStats, InputAttributes, Stats }

/** A server that says nothing for 15 s is gone: no call hangs for longer. */
const keepAlive = { keepaliveInterval: 5_000, keepaliveCountMax: 3, readyTimeout: 20_000 }

/** What OpenSSH adds to version 3 of the protocol, as far as it is used here; the server names what it has. */
type Extension = 'posix-rename@openssh.com' | 'fsync@openssh.com' | 'lsetstat@openssh.com' | 'hardlink@openssh.com'

/** One SFTP channel over one SSH connection. Many requests may be under way at once; answers come in any order. */
export class Channel {
  readonly hostKey: string
  readonly #client: Client
  readonly #sftp: SFTPWrapper
  /** Who waits for an answer. */
  readonly #waiting = new Set<(error: ConnectorError) => void>()
  #lost: ConnectorError | undefined

  private constructor(client: Client, sftp: SFTPWrapper, hostKey: string) {
    this.#client = client
    this.#sftp = sftp
    this.hostKey = hostKey
    const lost = (): void => this.#lose(new ConnectorError('Unreachable', 'the connection to the server is lost'))
    client.on('close', lost)
    client.on('error', (error: Error) => this.#lose(connectTrouble(error, 'the server')))
    sftp.on('close', lost)
    sftp.on('error', lost)
  }

  /** @throws ConnectorError `Misconfigured` for a server that is not known, `AuthExpired`, `Unreachable` */
  static async open(settings: SftpSettings): Promise<Channel> {
    const { host, port, username, password, passphrase } = settings
    const where = `${host}:${port}`
    const client = new Client()
    let hostKey = ''
    let refused: ConnectorError | undefined
    const agent = settings.agent === 'env' ? process.env.SSH_AUTH_SOCK : settings.agent
    const privateKey = settings.privateKey ?? keyFrom(settings.privateKeyFile)
    try {
      const sftp = await new Promise<SFTPWrapper>((resolve, reject) => {
        client.once('error', reject)
        client.once('close', () => reject(new Error('the server closed the connection')))
        // Without it each small request waits some 40 ms for the answer to the one before.
        client.once('connect', () => client.setNoDelay(true))
        client.once('ready', () => client.sftp((error, sftp) => (error ? reject(error) : resolve(sftp))))
        client.connect({
          host,
          port,
          username,
          ...keepAlive,
          ...(password === undefined ? {} : { password }),
          ...(privateKey === undefined ? {} : { privateKey }),
          ...(passphrase === undefined ? {} : { passphrase }),
          ...(agent === undefined ? {} : { agent }),
          hostVerifier: (key: Buffer) => {
            hostKey = fingerprint(key)
            refused = refusal(settings, key)
            return refused === undefined
          },
        })
      })
      client.removeAllListeners('error').removeAllListeners('close')
      return new Channel(client, sftp, hostKey)
    } catch (error) {
      client.on('error', () => undefined)
      client.end()
      throw refused ?? connectTrouble(error as Error, where)
    }
  }

  get isLost(): boolean {
    return this.#lost !== undefined
  }

  has(extension: Extension): boolean {
    // ssh2 keeps what the server announced to itself, and throws where it is not there.
    const { _extensions: extensions } = this.#sftp as unknown as { _extensions?: Record<string, string> }
    return extensions?.[extension] !== undefined
  }

  close(): void {
    this.#client.end()
  }

  lstat(path: string, id: string): Promise<Stats> {
    return this.#ask(id, (sftp, done) => sftp.lstat(path, done))
  }

  fstat(handle: Buffer, id: string): Promise<Stats> {
    return this.#ask(id, (sftp, done) => sftp.fstat(handle, done))
  }

  realpath(path: string, id: string): Promise<string> {
    return this.#ask(id, (sftp, done) => sftp.realpath(path, done))
  }

  readlink(path: string, id: string): Promise<string> {
    return this.#ask(id, (sftp, done) => sftp.readlink(path, done))
  }

  opendir(path: string, id: string): Promise<Buffer> {
    return this.#ask(id, (sftp, done) => sftp.opendir(path, done))
  }

  /** Some entries of an open folder; undefined when there are no more. */
  async entries(handle: Buffer, id: string): Promise<FileEntryWithStats[] | undefined> {
    try {
      return await this.#ask<FileEntryWithStats[]>(id, (sftp, done) => sftp.readdir(handle, done))
    } catch (error) {
      if (codeOf((error as Error).cause) === status.eof) return undefined
      throw error
    }
  }

  open(path: string, flags: 'r' | 'r+' | 'wx', id: string, attributes: InputAttributes = {}): Promise<Buffer> {
    return this.#ask(id, (sftp, done) => sftp.open(path, flags, attributes, done))
  }

  /** At most `length` bytes from `position` into `into`; how many, 0 at the end. */
  async read(handle: Buffer, into: Uint8Array, position: number, id: string): Promise<number> {
    const buffer = Buffer.from(into.buffer, into.byteOffset, into.byteLength)
    try {
      return await this.#ask<number>(id, (sftp, done) =>
        sftp.read(handle, buffer, 0, buffer.length, position, (error, n) => done(error, n)),
      )
    } catch (error) {
      if (codeOf((error as Error).cause) === status.eof) return 0
      throw error
    }
  }

  /** The chunk is copied before this returns, so that it may be used again. */
  write(handle: Buffer, chunk: Uint8Array, position: number, id: string): Promise<void> {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    return this.#ask(id, (sftp, done) => sftp.write(handle, buffer, 0, buffer.length, position, done))
  }

  fsetstat(handle: Buffer, attributes: InputAttributes, id: string): Promise<void> {
    return this.#ask(id, (sftp, done) => sftp.fsetstat(handle, attributes, done))
  }

  setstat(path: string, attributes: InputAttributes, id: string): Promise<void> {
    return this.#ask(id, (sftp, done) => sftp.setstat(path, attributes, done))
  }

  /** Of a symbolic link itself; needs `lsetstat@openssh.com`. */
  lsetstat(path: string, attributes: InputAttributes, id: string): Promise<void> {
    return this.#ask(id, (sftp, done) => sftp.ext_openssh_lsetstat(path, attributes, done))
  }

  fsync(handle: Buffer, id: string): Promise<void> {
    return this.#ask(id, (sftp, done) => sftp.ext_openssh_fsync(handle, done))
  }

  closeHandle(handle: Buffer, id: string): Promise<void> {
    return this.#ask(id, (sftp, done) => sftp.close(handle, done))
  }

  rename(from: string, to: string, id: string): Promise<void> {
    return this.#ask(id, (sftp, done) => sftp.rename(from, to, done))
  }

  /** Replaces what has the name, at once; needs `posix-rename@openssh.com`. */
  posixRename(from: string, to: string, id: string): Promise<void> {
    return this.#ask(id, (sftp, done) => sftp.ext_openssh_rename(from, to, done))
  }

  rmdir(path: string, id: string): Promise<void> {
    return this.#ask(id, (sftp, done) => sftp.rmdir(path, done))
  }

  unlink(path: string, id: string): Promise<void> {
    return this.#ask(id, (sftp, done) => sftp.unlink(path, done))
  }

  mkdir(path: string, attributes: InputAttributes, id: string): Promise<void> {
    return this.#ask(id, (sftp, done) => sftp.mkdir(path, attributes, done))
  }

  symlink(target: string, path: string, id: string): Promise<void> {
    return this.#ask(id, (sftp, done) => sftp.symlink(target, path, done))
  }

  /** Also ends when the connection does, whatever ssh2 makes of the answers that never came. */
  #ask<T = void>(id: string, send: (sftp: SFTPWrapper, done: Done<T>) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#lost) return reject(this.#lost)
      this.#waiting.add(reject)
      const done: Done<T> = (error, answer) => {
        this.#waiting.delete(reject)
        if (error) reject(troubleOf(error, id))
        else resolve(answer as T)
      }
      try {
        send(this.#sftp, done)
      } catch (error) {
        this.#waiting.delete(reject)
        reject(troubleOf(Object.assign(error as Error, { code: status.unsupported }), id))
      }
    })
  }

  #lose(error: ConnectorError): void {
    if (this.#lost) return
    this.#lost = error
    for (const tell of this.#waiting) tell(error)
    this.#waiting.clear()
    this.#client.end()
  }
}

type Done<T> = (error: Error | undefined | null, answer?: T) => void

function keyFrom(file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConnectorError('Misconfigured', `private_key_file: ${file} can't be read`, { cause: error })
  }
}

/** Why the server with this key is not to be talked to. */
function refusal({ host, port, hostKey, knownHosts }: SftpSettings, key: Buffer): ConnectorError | undefined {
  const is = fingerprint(key)
  const wrong = (why: string): ConnectorError => new ConnectorError('Misconfigured', why)
  if (hostKey !== undefined)
    return hostKey === is
      ? undefined
      : wrong(`host_key: the server at ${host}:${port} has the key ${is}, not ${hostKey}`)
  const file = knownHosts ?? join(homedir(), '.ssh', 'known_hosts')
  let text = ''
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (knownHosts !== undefined) return wrong(`known_hosts: ${file} can't be read (${(error as Error).message})`)
  }
  switch (lookUp(text, { host, port }, key)) {
    case 'known':
      return undefined
    case 'revoked':
      return wrong(`the key of ${host}:${port}, ${is}, is revoked in ${file}`)
    case 'changed':
      return wrong(
        `${host}:${port} has another key than ${file} knows, ${is}: it may be another server, or somebody in between`,
      )
    case 'unknown':
      return wrong(
        `${host}:${port} is not known. Its key is ${is}: compare it with what the server's administrator says, and set "host_key": "${is}"`,
      )
  }
}
