import { pathToFileURL } from 'node:url'
import type { DataConverter, PayloadCodec } from '@temporalio/common'

/**
 * What turns values into payloads for clients and workers: with the codecs of the module that the environment names, if it
 * names one.
 *
 * @throws Error when the module can't be loaded, or exports no codec
 */
export async function dataConverter(module: string | undefined): Promise<DataConverter | undefined> {
  if (module === undefined) return undefined
  const { default: exported } = (await import(pathToFileURL(module).href)) as { default?: unknown }
  const payloadCodecs = [exported].flat()
  if (!payloadCodecs.every(isCodec))
    throw new Error(`${module}: its default export is no payload codec, an object with encode and decode, nor several`)
  return { payloadCodecs }
}

function isCodec(value: unknown): value is PayloadCodec {
  const { encode, decode } = (value ?? {}) as Partial<PayloadCodec>
  return typeof encode === 'function' && typeof decode === 'function'
}
