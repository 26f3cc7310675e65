# The image has two files: sqlmig, linked statically, and the certificates that TLS is checked against. No shell, no libc, no
# package to be patched. docs/kubernetes.md says how to build it, how to pin its base by digest, and what is not in it.
#
#   docker build --build-arg SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)" --tag sqlmig:0.1.0 .

# An exact version of both, compiler and system, for the platform that is built on: its own target is musl.
ARG RUST=1.95.0-alpine3.22
FROM rust:${RUST} AS build

WORKDIR /src
# The same text, whoever builds it wherever: no paths of a cache, no times.
ARG SOURCE_DATE_EPOCH=0
ENV CARGO_INCREMENTAL=0 \
    RUSTFLAGS="--remap-path-prefix=/usr/local/cargo=/cargo --remap-path-prefix=/src=/sqlmig"
COPY . .
RUN cargo build --locked --profile dist --bin sqlmig && \
    install -D -m 0555 target/dist/sqlmig /image/usr/local/bin/sqlmig && \
    install -D -m 0444 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt && \
    find /image -exec touch -h -d "@${SOURCE_DATE_EPOCH}" {} +

FROM scratch
LABEL org.opencontainers.image.title="sqlmig" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /image /
# Nobody in particular; a number, so that Kubernetes can see that it is not root.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/sqlmig"]
