import * as disk from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import ssh2, { type Attributes, type Connection, type SFTPWrapper } from 'ssh2'
import { fingerprint } from '../../../src/connector/sftp/known_hosts.ts'

const { Server, utils } = ssh2
const { STATUS_CODE } = utils.sftp

export interface Oddities {
  /** Folders may be written into, and not listed: a drop. */
  unlisted?: boolean
  /** Nothing is removed. */
  keepsAll?: boolean
  /** Bytes after which every write fails, as on a full disk; version 3 has no word for it. */
  room?: number
  /** Renames replace what has the name. */
  renameReplaces?: boolean
  /** Requests that are never answered: the whole connection goes away instead. */
  dropsAt?: 'WRITE' | 'READ'
  /** The same, once: when this name is taken away from what has it, before or after it was done. */
  dropsRenameOf?: { name: string; done: boolean } | undefined
}

export interface OddServer {
  port: number
  hostKey: string
  /** Connections there were. */
  connections(): number
  close(): void
}

// Of ssh2's other keys one in some hundred can't be read again.
const keys = utils.generateKeyPairSync('ecdsa', { bits: 256 })

/** A server of SFTP version 3 without any extension, over a folder, with the habits that some servers have. */
export async function oddServer(root: string, oddities: Oddities = {}): Promise<OddServer> {
  const server = new Server({ hostKeys: [keys.private] }, (client) => {
    connections += 1
    // Missing in the types; each answer would wait for the next request's packet.
    ;(client as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true)
    client.on('error', () => undefined)
    client.on('authentication', (context) => {
      if (context.method === 'password' && context.password === 'right') context.accept()
      else context.reject(['password'])
    })
    client.on('session', (accept) => {
      accept().on('sftp', (accept) => serve(accept(), client, { root, oddities }))
    })
  })
  let connections = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const parsed = utils.parseKey(keys.public)
  if (parsed instanceof Error) throw parsed
  return {
    port: (server.address() as AddressInfo).port,
    hostKey: fingerprint(parsed.getPublicSSH()),
    connections: () => connections,
    close: () => server.close(),
  }
}

function serve(sftp: SFTPWrapper, client: Connection, { root, oddities }: { root: string; oddities: Oddities }): void {
  const open = new Map<number, { fd?: number; names?: Buffer[]; path: string }>()
  let next = 1
  let room = oddities.room ?? Infinity
  const at = (path: string) => join(root, path)
  const of = (handle: Buffer) => open.get(handle.readUInt32BE(0))!
  const give = (id: number, entry: { fd?: number; names?: Buffer[]; path: string }) => {
    const handle = Buffer.alloc(4)
    handle.writeUInt32BE(next)
    open.set(next++, entry)
    sftp.handle(id, handle)
  }
  const answer = (id: number, act: () => void) => {
    try {
      act()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      sftp.status(id, code === 'ENOENT' || code === 'ENOTDIR' ? STATUS_CODE.NO_SUCH_FILE : STATUS_CODE.FAILURE)
    }
  }
  const ok = (id: number) => sftp.status(id, STATUS_CODE.OK)
  const change = (path: string, { mode, atime, mtime, size }: Attributes) => {
    if (size !== undefined) disk.truncateSync(path, size)
    if (mode !== undefined) disk.chmodSync(path, mode & 0o7777)
    if (mtime !== undefined) disk.utimesSync(path, atime, mtime)
  }
  sftp.on('REALPATH', (id, path) =>
    sftp.name(id, [{ filename: path === '.' ? '/' : path, longname: '', attrs: {} as Attributes }]),
  )
  sftp.on('LSTAT', (id, path) => answer(id, () => sftp.attrs(id, told(disk.lstatSync(at(path))))))
  sftp.on('FSTAT', (id, handle) => answer(id, () => sftp.attrs(id, told(disk.fstatSync(of(handle).fd!)))))
  sftp.on('SETSTAT', (id, path, attrs) => answer(id, () => (change(at(path), attrs), ok(id))))
  sftp.on('FSETSTAT', (id, handle, attrs) => answer(id, () => (change(of(handle).path, attrs), ok(id))))
  sftp.on('OPEN', (id, path, flags, attrs) =>
    answer(id, () => {
      const mode = utils.sftp.flagsToString(flags) ?? 'r'
      give(id, { fd: disk.openSync(at(path), mode, attrs.mode ?? 0o666), path: at(path) })
    }),
  )
  sftp.on('READ', (id, handle, offset, length) => {
    if (oddities.dropsAt === 'READ') return void client.end()
    answer(id, () => {
      const into = Buffer.alloc(length)
      const n = disk.readSync(of(handle).fd!, into, 0, length, offset)
      if (n === 0) sftp.status(id, STATUS_CODE.EOF)
      else sftp.data(id, into.subarray(0, n))
    })
  })
  sftp.on('WRITE', (id, handle, offset, data) => {
    if (oddities.dropsAt === 'WRITE') return void client.end()
    answer(id, () => {
      if ((room -= data.length) < 0) throw new Error('full')
      disk.writeSync(of(handle).fd!, data, 0, data.length, offset)
      ok(id)
    })
  })
  sftp.on('CLOSE', (id, handle) =>
    answer(id, () => {
      const { fd } = of(handle)
      if (fd !== undefined) disk.closeSync(fd)
      ok(id)
    }),
  )
  sftp.on('OPENDIR', (id, path) => {
    if (oddities.unlisted) return void sftp.status(id, STATUS_CODE.PERMISSION_DENIED)
    answer(id, () => give(id, { names: disk.readdirSync(at(path), { encoding: 'buffer' }), path: at(path) }))
  })
  sftp.on('READDIR', (id, handle) => {
    const folder = of(handle)
    const names = folder.names!.splice(0, 100)
    if (names.length === 0) return void sftp.status(id, STATUS_CODE.EOF)
    const described = names.map((name) => ({
      filename: name.toString(),
      longname: '',
      attrs: told(disk.lstatSync(Buffer.concat([Buffer.from(`${folder.path}/`), name]))),
    }))
    sftp.name(id, described)
  })
  const removing = (id: number, remove: () => void) => {
    if (oddities.keepsAll) return void sftp.status(id, STATUS_CODE.PERMISSION_DENIED)
    answer(id, () => (remove(), ok(id)))
  }
  sftp.on('REMOVE', (id, path) => removing(id, () => disk.unlinkSync(at(path))))
  sftp.on('RMDIR', (id, path) => removing(id, () => disk.rmdirSync(at(path))))
  sftp.on('MKDIR', (id, path, { mode }) => answer(id, () => (disk.mkdirSync(at(path), mode ?? 0o777), ok(id))))
  sftp.on('RENAME', (id, from, to) =>
    answer(id, () => {
      if (!oddities.renameReplaces && disk.existsSync(at(to))) throw new Error('exists')
      const drop = from.endsWith(`/${oddities.dropsRenameOf?.name}`) ? oddities.dropsRenameOf : undefined
      if (!drop || drop.done) disk.renameSync(at(from), at(to))
      if (drop) {
        oddities.dropsRenameOf = undefined
        return void client.end()
      }
      ok(id)
    }),
  )
}

function told({ mode, uid, gid, size, atimeMs, mtimeMs }: disk.Stats): Attributes {
  return { mode, uid, gid, size, atime: Math.floor(atimeMs / 1000), mtime: Math.floor(mtimeMs / 1000) }
}
