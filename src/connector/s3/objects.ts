import type { Facts, Item } from '../item.ts'
import type { Client, Headers } from './client.ts'
import { container, factsOf, itemOf, listedOf, type Listed } from './facts.ts'
import { Keys } from './keys.ts'
import type { S3Settings } from './settings.ts'
import { decoded, listOf, parseXml, textOf } from './xml.ts'

export interface Found {
  headers: Headers
  facts: Facts
}

interface KeyPage {
  objects: Listed[]
  /** Prefixes of what lies deeper. */
  folders: string[]
  /** Keys come encoded, as was asked: all of them can be told. Else XML has no way to say some, and U+FFFD stands for those. */
  encoded: boolean
  next: string | undefined
}

/** Looks at what is in the bucket. */
export class Objects {
  readonly client: Client
  readonly keys: Keys
  readonly settings: S3Settings

  constructor(client: Client, keys: Keys, settings: S3Settings) {
    this.client = client
    this.keys = keys
    this.settings = settings
  }

  async head(key: string, id?: string): Promise<Found | null> {
    const { status, headers } = await this.client.headers({
      method: 'HEAD',
      key,
      accept: [404],
      ...(id === undefined ? {} : { id }),
    })
    return status === 404 ? null : { headers, facts: factsOf(headers, this.settings) }
  }

  /** The item of an id; null where there is none, also when a container has it. */
  async item(id: string): Promise<(Found & { key: string }) | null> {
    if (id === '' || Keys.isTwin(id)) return null
    const key = this.keys.keyOf(id)
    const found = await this.head(key, id)
    // An empty object of that name is a folder's marker.
    return found && !(key.endsWith('/') && found.facts.sizeBytes === 0n) ? { ...found, key } : null
  }

  async stat(id: string): Promise<Item | null> {
    const found = await this.item(id)
    if (found) return itemOf(id, found.facts)
    return (await this.isContainer(id)) ? container(id) : null
  }

  /** A container is there as long as a key begins with it; a bucket is there by itself. */
  async isContainer(id: string): Promise<boolean> {
    const prefix = this.keys.prefixOf(id)
    const page = await this.page(prefix, { most: 1 })
    return prefix === '' || page.objects.length + page.folders.length > 0
  }

  /** Up to a thousand of what a prefix holds, with everything that lies deeper under one name. */
  async page(prefix: string, { after, most = 1000 }: { after?: string | undefined; most?: number }): Promise<KeyPage> {
    const { text } = await this.client.text({
      method: 'GET',
      query: {
        'list-type': '2',
        delimiter: '/',
        'encoding-type': 'url',
        'max-keys': String(most),
        ...(prefix === '' ? {} : { prefix }),
        ...(after === undefined ? {} : { 'continuation-token': after }),
      },
    })
    const xml = parseXml(text, 'ListBucketResult')
    const encoded = textOf(xml, 'EncodingType') === 'url'
    const keyOf = (text = '') => (encoded ? decoded(text) : text)
    return {
      encoded,
      objects: listOf(xml, 'Contents').map((entry) => listedOf(entry, keyOf(textOf(entry, 'Key')))),
      folders: listOf(xml, 'CommonPrefixes').map((entry) => keyOf(textOf(entry, 'Prefix'))),
      next: textOf(xml, 'IsTruncated') === 'true' ? textOf(xml, 'NextContinuationToken') : undefined,
    }
  }
}
