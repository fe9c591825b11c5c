import type { Capabilities } from '../capabilities.ts'
import type { Attributes, Limiter } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { encodeSegment } from '../http/encode.ts'
import { Addresses, childId, splitId } from '../webdav/addresses.ts'
import { DavClient, type Answer, type Request } from '../webdav/client.ts'
import type { Told } from '../webdav/multistatus.ts'
import { capabilitiesOf } from './capabilities.ts'
import { driveOf } from './drives.ts'
import type { Entry } from './facts.ts'
import { nameCheck } from './names.ts'
import type { OwncloudSettings } from './settings.ts'

const oc = '{http://owncloud.org/ns}'
const properties = [
  ...['{DAV:}resourcetype', '{DAV:}getcontentlength', '{DAV:}getlastmodified', '{DAV:}getetag'],
  ...[`${oc}fileid`, `${oc}checksums`],
]

/** One space of a server, or what is below a folder of it. */
export class Server {
  readonly settings: OwncloudSettings
  readonly capabilities: Capabilities
  readonly client: DavClient
  readonly at: Addresses
  /** Where uploads in pieces lie. */
  readonly uploads: string
  /** Whom or what it belongs to, for telling roots apart. */
  readonly place: string
  /** Refuses names that a new item may not have. */
  readonly checkName: (name: string) => void
  /** Where what was removed lies. */
  readonly #trash: string

  /** @throws ConnectorError */
  static async open(settings: OwncloudSettings, limiter?: Limiter): Promise<Server> {
    const { url, username = '', password, token, connections, timeoutMs, insecure, caFile } = settings
    const client = new DavClient(
      {
        ...{ origin: url.origin, connections, timeoutMs, insecure, caFile },
        credentials: token === undefined ? { user: username, password } : { token },
      },
      limiter,
    )
    try {
      const user = encodeSegment(username)
      if (settings.dialect === 'ocis') {
        // Its Graph asks nobody for a password, so that the client would not tell it.
        if (token === undefined) await client.look(`${davOf(settings)}/files/${user}`, properties)
        // A drive has the same id whatever the server is called.
        return new Server(settings, client, spaceOf(await driveOf(client, settings)))
      }
      const place = `${url.host}/${username}`
      return new Server(settings, client, { files: `files/${user}`, trash: `trash-bin/${user}`, place })
    } catch (error) {
      await client.close()
      throw error
    }
  }

  private constructor(
    settings: OwncloudSettings,
    client: DavClient,
    { files, trash, place }: { files: string; trash: string; place: string },
  ) {
    const { url, username = '', root } = settings
    const dav = davOf(settings)
    this.settings = settings
    this.capabilities = capabilitiesOf(settings)
    this.client = client
    this.at = new Addresses(new URL([`${dav}/${files}`, ...root.map(encodeSegment)].join('/'), url))
    this.uploads = `${dav}/uploads/${encodeSegment(username)}`
    this.checkName = nameCheck(this.capabilities.names)
    this.#trash = `${dav}/${trash}`
    this.place = ['owncloud:', place, ...root].join('/')
  }

  /** The older servers have names composed, however they are spelled. */
  childId(parent: string, name: string): string {
    return childId(parent, this.settings.dialect === 'ocis' ? name : name.normalize('NFC'))
  }

  /** Times of modification are all there is. */
  refuse(attributes: Attributes): void {
    const { range } = this.capabilities.times
    const lacking = Object.entries(attributes).find(([part, value]) => value !== undefined && part !== 'modifiedNs')
    if (lacking) throw new ConnectorError('Unsupported', `ownCloud keeps no ${lacking[0]}`)
    const { modifiedNs } = attributes
    if (modifiedNs !== undefined && range && (modifiedNs < range.firstNs || modifiedNs > range.lastNs))
      throw new ConnectorError('Unsupported', 'the server keeps no such time')
  }

  /** Answers to writing say all there is to know. */
  get tellsAll(): boolean {
    return this.settings.dialect === 'ocis'
  }

  /** A server calls itself by one name, whatever it was reached by; whom we trust is who we asked. */
  addressOf(location: string): string {
    const { pathname, search } = new URL(location, this.client.origin)
    return pathname + search
  }

  headers(request: Request): Promise<Answer> {
    return this.client.headers(request)
  }

  async entry(id: string): Promise<Entry | null> {
    const told = await this.client.look(this.at.path(id), properties, id)
    return told && entryOf(told, splitId(id).name)
  }

  /** What lies in a container. */
  async *children(id: string, at: Addresses = this.at): AsyncGenerator<Entry> {
    for await (const told of this.client.propfind(at.path(id), 1, properties, id)) {
      const name = at.nameIn(id, told.href)
      const entry = entryOf(told, name)
      if (name !== '') yield entry
      else if (!entry.isContainer) throw new ConnectorError('NotAContainer', 'is a file', { id })
    }
  }

  /** @throws ConnectorError `Conflict` where something has that name, `NotFound` where there is no container for it */
  async makeFolder(id: string): Promise<void> {
    const { status } = await this.headers({ method: 'MKCOL', path: this.at.path(id), id, accept: [405, 409] })
    if (status === 405) throw new ConnectorError('Conflict', 'something of that name is there', { id })
    if (status === 409) throw new ConnectorError('NotFound', 'its container is gone', { id })
  }

  /** Never replaces. @returns the etag it has there, where that is told @throws as `makeFolder` */
  async move(from: string, to: string): Promise<string | undefined> {
    const { status, headers } = await this.headers({
      method: 'MOVE',
      path: this.at.path(from),
      headers: { destination: this.at.url(to), overwrite: 'F' },
      id: from,
      accept: [409, 412],
    })
    // Of a name that was taken in the last moment Infinite Scale says what it says of a folder that is gone.
    if (status === 412 || (status === 409 && (await this.entry(to))))
      throw new ConnectorError('Conflict', 'something of that name is there', { id: to })
    if (status === 409) throw new ConnectorError('NotFound', 'its container is gone', { id: to })
    return unquoted(headers['etag'])
  }

  /** To the trash. Idempotent. */
  async remove(id: string): Promise<void> {
    await this.headers({ method: 'DELETE', path: this.at.path(id), id, accept: [404] })
  }

  /** And out of the trash, where its id leads to it there. */
  async removeForGood(id: string): Promise<void> {
    const there = await this.entry(id)
    if (!there) return
    await this.remove(id)
    const { fileId } = there
    if (fileId === undefined || this.settings.dialect === 'nextcloud') return
    const key = encodeSegment(fileId.slice(fileId.indexOf('!') + 1))
    // Only who manages a space may empty its trash.
    await this.headers({ method: 'DELETE', path: `${this.#trash}/${key}`, accept: [403, 404] })
  }
}

function davOf({ url }: OwncloudSettings): string {
  return `${url.pathname.replace(/\/$/, '')}/remote.php/dav`
}

function spaceOf(drive: string): { files: string; trash: string; place: string } {
  const id = encodeSegment(drive)
  return { files: `spaces/${id}`, trash: `spaces/trash-bin/${id}`, place: drive }
}

function entryOf({ properties }: Told, name: string): Entry {
  const text = (property: string): string | undefined => properties.get(property)?.text.trim() || undefined
  const modified = Date.parse(text('{DAV:}getlastmodified') ?? '')
  const checksums = properties.get(`${oc}checksums`)?.children.map((child) => child.text)
  const kinds = properties.get('{DAV:}resourcetype')?.children ?? []
  return {
    name,
    isContainer: kinds.some((kind) => kind.name === '{DAV:}collection'),
    sizeBytes: BigInt(text('{DAV:}getcontentlength') ?? '0'),
    modifiedNs: Number.isNaN(modified) ? undefined : BigInt(modified) * 1_000_000n,
    etag: unquoted(text('{DAV:}getetag')),
    fileId: text(`${oc}fileid`),
    sha1: /\bSHA1:([0-9a-f]{40})\b/i.exec(checksums?.join(' ') ?? '')?.[1]?.toLowerCase(),
  }
}

export function unquoted(etag: string | undefined): string | undefined {
  return etag?.replace(/^W\//, '').replaceAll('"', '')
}
