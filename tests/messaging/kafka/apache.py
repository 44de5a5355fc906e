"""Real Apache Kafka: one KRaft node from the jars that tests/run_kafka.sh fetched (KAFKA_CLASSPATH)."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from tests.chaos.servers import free_port, wait_until

PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=3
controlled.shutdown.enable=false
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=300
"""
CLUSTER = "Y2hhdHN2Yy10ZXN0cy0wMA"  # any 16 bytes in base64


class ApacheKafka:
    """``address`` stays the same over restarts."""

    def __init__(self) -> None:
        self.directory = tempfile.TemporaryDirectory(prefix="chatsvc-kafka-")
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.properties = Path(self.directory.name) / "server.properties"
        data = Path(self.directory.name) / "data"
        self.properties.write_text(PROPERTIES.format(port=self.port, controller=free_port(), data=data))
        self._java("kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(self.properties)).wait(60)

    def start(self) -> None:
        self.process = self._java("kafka.Kafka", str(self.properties))
        wait_until(self.answers, 60, "Apache Kafka answers")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)

    def kill(self) -> None:
        """Without a word: what was acknowledged must be there all the same."""
        self.process.kill()
        self.process.wait(10)

    def remove(self) -> None:
        self.stop()
        self.directory.cleanup()

    def answers(self) -> bool:
        try:
            client = KafkaAdminClient(bootstrap_servers=[self.address], bootstrap_timeout_ms=2_000)
            client.list_topics()
            client.close()
        except KafkaError:
            return False
        return True

    def _java(self, *arguments: str) -> subprocess.Popen[bytes]:
        options = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        return subprocess.Popen(
            ["java", *options, "-cp", os.environ["KAFKA_CLASSPATH"], *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.directory.name,
        )
