import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, isListening } from '../../src/temporal/ports.ts'
import { goModule } from './go_program.ts'
import { MissingServer, type TestServer } from './server.ts'

/** Most of its ports are its own choice: there is one at a time on a machine. This is one of them. */
const gateway = 9142
const left = ['idp', 'web', 'thumbnails', 'search', 'notifications', 'app-provider', 'app-registry', 'audit']

/** ownCloud Infinite Scale, with the people it brings along for trials. */
export const owncloud: TestServer = {
  name: 'owncloud',
  what: 'ownCloud Infinite Scale 2.0',

  program: (say) =>
    goModule(
      {
        name: 'owncloud',
        package: 'github.com/owncloud/ocis/v2@v2.0.0',
        minutes: 4,
        around: join(import.meta.dirname, 'owncloud'),
      },
      say,
    ),

  async prepare(folder, command) {
    if (await isListening(gateway))
      throw new MissingServer(`owncloud: another one is running, port ${gateway} is taken`)
    const [data, config] = [join(folder, 'data'), join(folder, 'config')]
    for (const path of [data, config]) mkdirSync(path, { recursive: true })
    const [port, issuer, dav] = [await freePort(), await freePort(), await freePort()]
    const address = `http://127.0.0.1:${port}`
    const env = {
      OCIS_BASE_DATA_PATH: data,
      OCIS_CONFIG_DIR: config,
      OCIS_URL: address,
      OCIS_INSECURE: 'true',
      OCIS_LOG_LEVEL: 'error',
      OCIS_OIDC_ISSUER: `http://127.0.0.1:${issuer}`,
      OCIS_EXCLUDE_RUN_SERVICES: left.join(','),
      OCDAV_HTTP_ADDR: `127.0.0.1:${dav}`,
      PROXY_HTTP_ADDR: `127.0.0.1:${port}`,
      PROXY_TLS: 'false',
      PROXY_ENABLE_BASIC_AUTH: 'true',
      PROXY_OIDC_ACCESS_TOKEN_VERIFY_METHOD: 'none',
      PROXY_USER_OIDC_CLAIM: 'preferred_username',
      PROXY_USER_CS3_CLAIM: 'username',
      IDM_CREATE_DEMO_USERS: 'true',
      IDM_ADMIN_PASSWORD: 'admin',
    }
    execFileSync(command, ['init', '--insecure', 'true', '--force-overwrite', '--admin-password', 'admin'], {
      env: { ...env, HOME: folder },
    })
    return {
      command,
      args: ['server'],
      env,
      port,
      ready: async () => {
        const answer = await fetch(`${address}/graph/v1.0/me/drives`, { headers: { authorization: 'Bearer einstein' } })
        return answer.ok && ((await answer.json()) as { value: unknown[] }).value.length > 0
      },
      auth: { url: address, token: 'einstein' },
      data: join(data, 'storage', 'users'),
    }
  },
}
