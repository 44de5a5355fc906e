#!/usr/bin/env bash
# Runs the Kafka tests, those of durability too, against real Apache Kafka: one KRaft node from its Maven artefacts.
# Arguments go to pytest. Without Java or Maven it says how to get them and passes, or fails under REQUIRE_SERVICES=1.
# Where Maven's repository cannot be reached it says so and passes: that is the network's business, not ours.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
version=${KAFKA_VERSION:-4.0.0}

missing() {
    echo "Skipped: $1" >&2
    [ "${REQUIRE_SERVICES:-}" = 1 ] && exit 1
    exit 0
}

command -v java >/dev/null || missing "Java 17 is not installed. Try: apt-get install openjdk-17-jre-headless"
command -v mvn >/dev/null || missing "Maven is not installed. Try: apt-get install maven"

home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT

cat >"$home/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>chatsvc.tests</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
unreachable='NoPluginFoundForPrefix|Unknown host|Could not transfer|timed out|Connection refused|Network is unreachable|No route to host'
fetched=0
timeout 240 mvn --batch-mode --quiet -f "$home/pom.xml" dependency:build-classpath -Dmdep.outputFile="$home/classpath" \
    -Dmaven.wagon.http.retryHandler.count=1 -Dmaven.wagon.rto=20000 -Daether.connector.connectTimeout=10000 \
    >"$home/maven.log" 2>&1 || fetched=$?
if [ "$fetched" = 124 ] || { [ "$fetched" != 0 ] && grep -qE "$unreachable" "$home/maven.log"; }; then
    echo "Skipped: Maven's repository cannot be reached, so there is no Apache Kafka $version." >&2
    exit 0
elif [ "$fetched" != 0 ]; then
    tail -n 5 "$home/maven.log" >&2
    missing "Maven could not fetch Apache Kafka $version."
fi

export KAFKA_CLASSPATH
KAFKA_CLASSPATH=$(cat "$home/classpath")
"$python" -m pytest tests/messaging/kafka "$@"
