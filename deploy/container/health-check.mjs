// Owns the health check of the image: does the service in this container answer?
import http from 'node:http';
import https from 'node:https';
import process from 'node:process';

const { SLIPWAY_LISTEN = '', SLIPWAY_TLS_CERT = '' } = process.env;
const port = /:(\d+)$/.exec(SLIPWAY_LISTEN)?.[1] ?? '8080';
const client = SLIPWAY_TLS_CERT === '' ? http : https;
// The certificate names the service, not this address, and nothing is sent.
const where = { host: '127.0.0.1', port, path: '/healthz', timeout: 4000, rejectUnauthorized: false };
const request = client.get(where, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1));
request.on('timeout', () => process.exit(1));
request.on('error', () => process.exit(1));
