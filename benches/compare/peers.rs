//! The configurations of nginx and HAProxy: bare proxies with mutual TLS on both sides, one worker, connections kept to the
//! HIS, and an access log. The three defaults that ruin such a comparison unnoticed are set: `keepalive_requests`, `keepalive`
//! and `Connection` towards the HIS.

use std::path::Path;

/// Where a peer listens and whom it asks.
pub(crate) struct Place<'a> {
    /// The folder of the certificates and of its own files.
    pub(crate) folder: &'a Path,
    pub(crate) port: u16,
    pub(crate) his_port: u16,
    /// The name in the certificate of the HIS.
    pub(crate) his_host: &'a str,
}

pub(crate) fn nginx(place: &Place<'_>) -> String {
    let Place { folder, port, his_port, his_host } = place;
    let folder = folder.display();
    format!(
        r#"daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.err warn;
events {{ worker_connections 20000; }}
http {{
  log_format gw '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent $request_time $upstream_response_time "$http_user_agent" $request_id $ssl_client_s_dn';
  access_log {folder}/nginx-access.log gw;
  client_body_temp_path {folder}/nginx-body;
  proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fastcgi;
  uwsgi_temp_path {folder}/nginx-uwsgi;
  scgi_temp_path {folder}/nginx-scgi;
  sendfile on;
  tcp_nodelay on;
  keepalive_requests 100000000;
  keepalive_timeout 3600s;
  upstream his {{ server 127.0.0.1:{his_port}; keepalive 512; keepalive_requests 100000000; keepalive_timeout 3600s; }}
  ssl_session_cache shared:SSL:20m;
  ssl_session_timeout 1h;
  ssl_protocols TLSv1.3;
  ssl_ecdh_curve X25519;
  server {{
    listen 127.0.0.1:{port} ssl http2 backlog=8192;
    ssl_certificate {folder}/back.pem;
    ssl_certificate_key {folder}/back.key;
    ssl_client_certificate {folder}/ca.pem;
    ssl_verify_client on;
    http2_max_concurrent_streams 256;
    location = /ping {{ return 200 "ping"; }}
    location / {{
      proxy_pass https://his;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffer_size 16k;
      proxy_buffers 8 16k;
      proxy_ssl_certificate {folder}/node.pem;
      proxy_ssl_certificate_key {folder}/node.key;
      proxy_ssl_trusted_certificate {folder}/ca.pem;
      proxy_ssl_verify on;
      proxy_ssl_name {his_host};
      proxy_ssl_server_name on;
      proxy_ssl_session_reuse on;
      proxy_ssl_protocols TLSv1.3;
    }}
  }}
}}
"#
    )
}

/// What every HAProxy here begins with: one thread, a line a request, mutual TLS from its clients.
pub(crate) fn haproxy_head(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        r"global
  nbthread 1
  maxconn 9000
  log stdout len 2048 format raw local0 info
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-bind-curves X25519
defaults
  mode http
  log global
  option httplog
  timeout connect 5s
  timeout client 3600s
  timeout server 3600s
  timeout http-keep-alive 3600s
  http-reuse always
frontend f
  bind 127.0.0.1:{port} ssl crt {folder}/back-with-key.pem ca-file {folder}/ca.pem verify required alpn h2,http/1.1
"
    )
}

pub(crate) fn haproxy(place: &Place<'_>) -> String {
    let Place { folder, port, his_port, his_host } = place;
    let head = haproxy_head(folder, *port);
    let folder = folder.display();
    format!(
        r"{head}  http-request return status 200 content-type text/plain string ping if {{ path /ping }}
  default_backend b
backend b
  server his 127.0.0.1:{his_port} pool-max-conn 512 ssl verify required ca-file {folder}/ca.pem crt {folder}/node-with-key.pem sni str({his_host}) verifyhost {his_host}
"
    )
}
