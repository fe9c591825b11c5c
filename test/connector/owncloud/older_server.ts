import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** A file, or a folder that has children. */
interface Node {
  id: number
  children: Map<string, Node> | undefined
  content: Buffer
  modified: number
  etag: string
  checksums: string
}

/** What an answer is besides its body. */
interface Answer {
  status: number
  headers?: Record<string, string>
  body?: string | Buffer
}

/**
 * ownCloud 10 or Nextcloud as far as files go, by their documentation and their clients: what is stored, chunked uploads, trash.
 * Neither server is to be had for tests; this one has the account `somebody`, with the password `right`.
 */
export class OlderServer {
  readonly files = folder()
  readonly uploads = folder()
  readonly trash = folder()
  /** What was removed, by the id it has in the trash. */
  readonly trashed = new Map<string, string>()
  /** Method and path of each request. */
  readonly asked: string[] = []
  readonly #kind: 'owncloud10' | 'nextcloud'
  readonly #server = createServer((request, response) => void this.#serve(request, response))

  static async start(kind: 'owncloud10' | 'nextcloud'): Promise<OlderServer> {
    const server = new OlderServer(kind)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  private constructor(kind: 'owncloud10' | 'nextcloud') {
    this.#kind = kind
  }

  get auth(): Record<string, unknown> {
    const { port } = this.#server.address() as AddressInfo
    const url = `http://127.0.0.1:${port}/cloud`
    return { url, dialect: this.#kind, username: 'somebody', password: 'right' }
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  put(parent: Node, name: string, content: Buffer, { modified = Date.now(), checksum = '' } = {}): Node {
    const there = parent.children?.get(name)
    const node = there ?? file()
    const sums = this.#kind === 'owncloud10' ? `SHA1:${sha1(content)} MD5:0 ADLER32:0` : checksum
    Object.assign(node, { content, modified, etag: freshTag(), checksums: sums })
    parent.children?.set(name, node)
    return node
  }

  find(top: Node, path: readonly string[]): Node | undefined {
    return path.reduce<Node | undefined>((node, name) => node?.children?.get(name.normalize('NFC')), top)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request)
    this.asked.push(`${request.method} ${decodeURIComponent(request.url ?? '')}`)
    const { status, headers = {}, body: said = '' } = this.#answer(request, body)
    response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : said)
  }

  #answer({ method = '', url = '', headers }: IncomingMessage, body: Buffer): Answer {
    const right = `Basic ${Buffer.from('somebody:right').toString('base64')}`
    if (headers.authorization !== right)
      return { status: 401, headers: { 'www-authenticate': 'Basic realm="Nextcloud", charset="UTF-8"' } }
    const place = this.#placeOf(url)
    if (!place) return { status: 404 }
    const { top, path } = place
    const [parent, name, node] = [this.find(top, path.slice(0, -1)), path.at(-1) ?? '', this.find(top, path)]
    switch (method) {
      case 'PROPFIND':
        return node ? this.#told(url, node, headers.depth) : { status: 404 }
      case 'GET':
        return node?.children ? { status: 405 } : node ? got(node, headers.range) : { status: 404 }
      case 'MKCOL':
        if (node) return { status: 405 }
        if (!parent?.children) return { status: 409 }
        parent.children.set(name, folder())
        return { status: 201 }
      case 'PUT':
        return parent?.children && !node?.children ? this.#putBy(headers, parent, name, body) : { status: 409 }
      case 'DELETE':
        if (!node) return { status: 404 }
        parent?.children?.delete(name)
        if (top === this.files) {
          this.trash.children?.set(String(node.id), node)
          this.trashed.set(String(node.id), name)
        }
        return { status: 204 }
      case 'MOVE':
        return this.#move(path, top, headers)
      default:
        return { status: 501 }
    }
  }

  #putBy(headers: IncomingMessage['headers'], parent: Node, name: string, content: Buffer): Answer {
    const there = parent.children?.get(name)
    const condition = headers['if-match']
    if (condition !== undefined && condition !== `"${there?.etag}"`) return { status: 412 }
    const checksum = String(headers['oc-checksum'] ?? '')
    if (checksum !== '' && checksum !== `SHA1:${sha1(content)}`) return { status: 400 }
    const node = this.put(parent, name, content, { ...modifiedBy(headers), checksum })
    return { status: there ? 204 : 201, headers: { etag: `"${node.etag}"`, 'oc-fileid': `0000${node.id}instance` } }
  }

  #move(path: readonly string[], top: Node, headers: IncomingMessage['headers']): Answer {
    const to = this.#placeOf(new URL(String(headers.destination)).pathname)
    if (to?.top !== this.files) return { status: 403 }
    const parent = this.find(this.files, to.path.slice(0, -1))
    const name = to.path.at(-1) ?? ''
    const there = parent?.children?.get(name)
    if (!parent?.children) return { status: 409 }
    if (there && headers.overwrite === 'F') return { status: 412 }
    if (path.at(-1) !== '.file' || top !== this.uploads) {
      const from = this.find(top, path.slice(0, -1))
      const node = from?.children?.get(path.at(-1) ?? '')
      if (!node) return { status: 404 }
      from?.children?.delete(path.at(-1) ?? '')
      parent.children.set(name, node)
      return { status: there ? 204 : 201 }
    }
    const upload = this.find(top, path.slice(0, -1))
    if (!upload?.children) return { status: 404 }
    const [, address, etag] = /^<([^>]*)> \(\["([^"]*)"\]\)$/.exec(String(headers.if)) ?? []
    if (headers.if !== undefined && (address !== headers.destination || etag !== there?.etag)) return { status: 412 }
    const pieces = [...upload.children].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, piece]) => piece.content)
    const content = Buffer.concat(pieces)
    const checksum = String(headers['oc-checksum'] ?? '')
    if (String(content.length) !== headers['oc-total-length']) return { status: 400 }
    if (checksum !== '' && checksum !== `SHA1:${sha1(content)}`) return { status: 400 }
    this.uploads.children?.delete(path[0] ?? '')
    this.put(parent, name, content, { ...modifiedBy(headers), checksum })
    return { status: there ? 204 : 201 }
  }

  #placeOf(url: string): { top: Node; path: string[] } | undefined {
    const [, kind, rest = ''] =
      /^\/cloud\/remote\.php\/dav\/(files|uploads|trash-bin)\/somebody(?:\/(.*?))?\/?$/.exec(url) ?? []
    const path = rest === '' ? [] : rest.split('/').map((part) => decodeURIComponent(part).normalize('NFC'))
    const top = { files: this.files, uploads: this.uploads, 'trash-bin': this.trash }[kind ?? '']
    return top && { top, path }
  }

  #told(url: string, node: Node, depth: string | string[] | undefined): Answer {
    const href = url.replace(/\/$/, '')
    const parts = [part(href, node)]
    if (depth === '1')
      for (const [name, child] of node.children ?? []) parts.push(part(`${href}/${encodeURIComponent(name)}`, child))
    const body = `<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns">${parts.join('')}</d:multistatus>`
    return { status: 207, headers: { 'content-type': 'application/xml; charset=utf-8' }, body }
  }
}

let ids = 0

function file(): Node {
  return {
    id: ++ids,
    children: undefined,
    content: Buffer.alloc(0),
    modified: Date.now(),
    etag: freshTag(),
    checksums: '',
  }
}

export function folder(): Node {
  return { ...file(), children: new Map() }
}

function freshTag(): string {
  return randomBytes(16).toString('hex')
}

function sha1(content: Buffer): string {
  return createHash('sha1').update(content).digest('hex')
}

function modifiedBy(headers: IncomingMessage['headers']): { modified?: number } {
  const seconds = headers['x-oc-mtime']
  return seconds === undefined ? {} : { modified: Number(seconds) * 1000 }
}

function got({ content, etag }: Node, range: string | undefined): Answer {
  const headers = { etag: `"${etag}"` }
  const from = /^bytes=(\d+)-$/.exec(range ?? '')?.[1]
  if (from === undefined) return { status: 200, headers, body: content }
  const said = `bytes ${from}-${content.length - 1}/${content.length}`
  return { status: 206, headers: { ...headers, 'content-range': said }, body: content.subarray(Number(from)) }
}

function part(href: string, { id, children, content, modified, etag, checksums }: Node): string {
  const own = children
    ? '<d:resourcetype><d:collection/></d:resourcetype>'
    : `<d:resourcetype/><d:getcontentlength>${content.length}</d:getcontentlength>` +
      (checksums === '' ? '' : `<oc:checksums><oc:checksum>${checksums}</oc:checksum></oc:checksums>`)
  const time = `<d:getlastmodified>${new Date(Math.floor(modified / 1000) * 1000).toUTCString()}</d:getlastmodified>`
  const props = `${own}${time}<d:getetag>&quot;${etag}&quot;</d:getetag><oc:fileid>${id}</oc:fileid>`
  const address = href.replaceAll('&', '&amp;') + (children ? '/' : '')
  return `<d:response><d:href>${address}</d:href><d:propstat><d:prop>${props}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`
}
