// JsSIP as the telephone of a page, under Node: it registers, asks by OPTIONS and MESSAGE, and refuses who calls it. What
// happens is told line by line. It signals only: there is no audio under Node.
'use strict';

const fs = require('fs');
const [modules, url, user, password, origin, ca] = process.argv.slice(2);

// JsSIP looks for these before it takes a call.
global.window = global;
global.RTCPeerConnection = class {};

const JsSIP = require(`${modules}/jssip`);
const WebSocket = require(`${modules}/ws`);
const say = (...words) => console.log(words.join(' '));

class Socket {
  constructor() {
    this.url = url;
    this.via_transport = url.startsWith('wss') ? 'WSS' : 'WS';
    this.sip_uri = `sip:${new URL(url).host};transport=ws`;
  }

  connect() {
    const options = { origin };
    if (ca) options.ca = fs.readFileSync(ca);
    this.socket = new WebSocket(url, 'sip', options);
    this.socket.on('open', () => this.onconnect());
    this.socket.on('message', (data, binary) => this.ondata(binary ? data : data.toString()));
    this.socket.on('error', (error) => say('error', error.message));
    this.socket.on('close', (code, reason) => this.ondisconnect(true, code, reason.toString()));
  }

  disconnect() {
    this.socket.close();
  }

  send(message) {
    this.socket.send(message);
    return true;
  }

  isConnected() {
    return this.socket !== undefined && this.socket.readyState === WebSocket.OPEN;
  }

  isConnecting() {
    return this.socket !== undefined && this.socket.readyState === WebSocket.CONNECTING;
  }
}

const ua = new JsSIP.UA({
  sockets: [new Socket()],
  uri: `sip:${user}@strowger.invalid`,
  password,
  register_expires: 120,
  session_timers: false,
});
ua.on('connected', () => say('connected'));
ua.on('disconnected', () => say('disconnected'));
ua.on('registrationFailed', (event) => say('refused', event.response ? event.response.status_code : event.cause));
ua.on('registered', () => {
  say('registered');
  const told = (what) => ({
    succeeded: (event) => say(what, event.response.status_code),
    failed: (event) => say(what, event.response ? event.response.status_code : event.cause),
  });
  ua.sendOptions(`sip:1002@strowger.invalid`, null, { eventHandlers: told('options') });
  ua.sendMessage(`sip:1002@strowger.invalid`, 'hello', { eventHandlers: told('message') });
});
ua.on('newRTCSession', (event) => {
  say(event.originator, 'call from', event.request.from.uri.user, 'with', event.request.body.split('\r\n')[0]);
  setTimeout(() => event.session.terminate({ status_code: 486 }), 300);
});
ua.start();
