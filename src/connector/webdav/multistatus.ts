import { SaxesParser, type SaxesTagNS } from 'saxes'
import { ConnectorError } from '../errors.ts'
import { networkTrouble } from '../http/trouble.ts'

/** An element of an answer; its name in Clark notation, `{DAV:}getetag`. */
export interface Element {
  name: string
  /** Of itself, without that of its children. */
  text: string
  children: Element[]
}

/** What an answer says of one address. */
export interface Told {
  /** As the server wrote it. */
  href: string
  /** Of the whole; absent where each property has its own. */
  status: number | undefined
  /** Those that are there, by name. */
  properties: ReadonlyMap<string, Element>
  /** The statuses of those that are not, or were not taken. */
  refused: ReadonlyMap<string, number>
}

const response = '{DAV:}response'

/**
 * The parts of a multistatus as they come, so that a folder's size takes no memory. An answer that ends early, or is something
 * else, is an error: never fewer parts.
 *
 * @throws ConnectorError `Unreachable`
 */
export async function* multistatus(body: AsyncIterable<Uint8Array>, id?: string): AsyncGenerator<Told> {
  const told: Told[] = []
  const open: Element[] = []
  const parser = new SaxesParser({ xmlns: true })
  parser.on('opentag', (tag) => {
    const element: Element = { name: nameOf(tag), text: '', children: [] }
    if (open.length === 0 && element.name !== '{DAV:}multistatus') refuse(`${element.name} instead of a multistatus`)
    // What is whole is told and forgotten.
    if (open.length > 1) open.at(-1)!.children.push(element)
    open.push(element)
  })
  const text = (some: string): void => {
    const element = open.at(-1)
    if (element) element.text += some
  }
  parser.on('text', text)
  parser.on('cdata', text)
  parser.on('closetag', () => {
    const element = open.pop()!
    if (open.length === 1 && element.name === response) told.push(toldBy(element))
  })
  const decoder = new TextDecoder()
  const parse = (some: () => void): void => {
    try {
      some()
    } catch (error) {
      if (error instanceof ConnectorError) throw error
      refuse((error as Error).message, error)
    }
  }
  const chunks = body[Symbol.asyncIterator]()
  try {
    for (;;) {
      const { done, value } = await next(chunks, id)
      if (done) break
      parse(() => void parser.write(decoder.decode(value, { stream: true })))
      yield* told.splice(0)
    }
    parse(() => void parser.write(decoder.decode()).close())
    yield* told.splice(0)
  } finally {
    await chunks.return?.().catch(() => undefined)
  }
}

/** The whole of a short one. */
export async function wholeMultistatus(text: string): Promise<Told[]> {
  const all: Told[] = []
  for await (const told of multistatus(once(text))) all.push(told)
  return all
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

async function next(chunks: AsyncIterator<Uint8Array>, id: string | undefined): Promise<IteratorResult<Uint8Array>> {
  try {
    return await chunks.next()
  } catch (error) {
    throw networkTrouble(error, id)
  }
}

function nameOf({ uri, local }: SaxesTagNS): string {
  return `{${uri}}${local}`
}

function toldBy(element: Element): Told {
  const properties = new Map<string, Element>()
  const refused = new Map<string, number>()
  let href = ''
  let status: number | undefined
  for (const child of element.children) {
    if (child.name === '{DAV:}href') href = child.text.trim()
    else if (child.name === '{DAV:}status') status = statusOf(child.text)
    else if (child.name === '{DAV:}propstat') {
      const its = statusOf(child.children.find(({ name }) => name === '{DAV:}status')?.text ?? '')
      const isFine = its >= 200 && its < 300
      for (const property of child.children.find(({ name }) => name === '{DAV:}prop')?.children ?? []) {
        if (isFine) properties.set(property.name, property)
        else refused.set(property.name, its)
      }
    }
  }
  if (href === '') refuse('a response without an address')
  return { href, status, properties, refused }
}

/** `HTTP/1.1 200 OK`; Apache writes `(status)` where it has no words. */
function statusOf(line: string): number {
  const status = /^\s*HTTP\/\S+\s+(\d{3})/.exec(line)?.[1]
  return status === undefined ? refuse(`a status that is none: ${line.trim()}`) : Number(status)
}

function refuse(why: string, cause?: unknown): never {
  throw new ConnectorError('Unreachable', `the server gave no whole answer: ${why}`, { cause })
}
