import type { Paging } from '../catalog/catalog.ts'
import { text, together, whole, type Query } from './query.ts'

export interface PageOf {
  offset: number
  limit: number
  total: number
  fields?: string[]
}

const defaultLimit = 100
const maxLimit = 1_000

/** Parameters of {@link paging}. */
export const pages = ['offset', 'limit', 'q']

/** `offset`, `limit` (100 unless said, 1,000 at most) and `q` of a list. */
export function paging(query: Query): Paging {
  return together({
    offset: () => whole(query, 'offset') ?? 0,
    limit: () => whole(query, 'limit', { least: 1, most: maxLimit }) ?? defaultLimit,
    q: () => text(query, 'q'),
  })
}
