"""What dnsmasq has said, as long as it holds."""

from ipam.agent.dnsmasq.current_verdicts import GOES_STALE_SECONDS, MOST_MACHINES, CurrentVerdicts
from ipam.agent.dnsmasq.probe_answers import PROBE_DUID
from ipam.agent.dnsmasq.verdicts import FileRead, Kind, Packet, Verdict

MAC, OTHER = "fa:16:3e:00:00:01", "fa:16:3e:00:00:02"
BAD_OPTION = Verdict(Kind.OPTION_DROPPED, "bad dhcp-option", file="options/port", line=1)
LEFT_OUT = Verdict(Kind.OPTION_LEFT_OUT, "no space", option=121)
LEASED = Verdict(Kind.ADDRESS_LEASED, "leased", address="10.0.0.5", mac=OTHER)
NO_RANGE = Verdict(Kind.NO_RANGE, "no address range", interface="ns-1")


def packet(message: str, client: str = MAC, address: str = "", remark: str = "") -> Packet:
    return Packet(message, "ns-1", client, address, remark)


def offer(address: str = "10.0.0.5", client: str = MAC) -> Packet:
    return packet("DHCPOFFER", client, address)


def test_what_is_wrong_with_a_file_holds_until_it_is_read_again() -> None:
    current = CurrentVerdicts()
    assert current.hear(BAD_OPTION, 0)
    assert not current.hear(BAD_OPTION, 1), "it is no news"
    assert list(current.verdicts(1e6)) == [BAD_OPTION]
    current.hear(FileRead("options/other"), 2)
    assert list(current.verdicts(2)) == [BAD_OPTION]
    current.hear(FileRead("options/port"), 3)
    assert list(current.verdicts(3)) == []
    assert current.hear(BAD_OPTION, 4)


def test_an_option_left_out_is_the_machines_whose_answer_it_was() -> None:
    current = CurrentVerdicts()
    current.hear(offer(), 0)
    assert current.hear(LEFT_OUT, 0)
    current.hear(offer("10.0.0.6", OTHER), 1)
    assert [one.mac for one in current.verdicts(1)] == [MAC]


def test_an_option_left_out_holds_until_an_answer_has_it() -> None:
    current = CurrentVerdicts()
    for at in (0.0, 10.0):
        current.hear(offer(), at)
        assert len(list(current.verdicts(at + 0.01))) == (1 if at else 0), "no flicker"
        current.hear(LEFT_OUT, at + 0.01)
        assert len(list(current.verdicts(at + 5))) == 1
    current.hear(offer(), 20)
    assert list(current.verdicts(25)) == []


def test_an_address_that_is_kept_back_is_so_until_it_is_given() -> None:
    current = CurrentVerdicts()
    assert current.hear(LEASED, 0)
    current.hear(packet("DHCPDISCOVER", remark="no address available"), 0)
    assert list(current.verdicts(1e6)) == [LEASED]
    current.hear(offer("10.0.0.6", OTHER), 1)
    assert list(current.verdicts(1)) == [LEASED]
    current.hear(offer(), 2)
    assert list(current.verdicts(2)) == []


def test_a_missing_range_is_over_with_the_first_answer_and_other_things_with_time() -> None:
    current = CurrentVerdicts()
    current.hear(NO_RANGE, 0)
    hook = Verdict(Kind.HOOK_FAILED, "script process exited with status 1")
    current.hear(hook, 0)
    assert list(current.verdicts(1)) == [NO_RANGE, hook]
    current.hear(offer(), 2)
    assert list(current.verdicts(2)) == [hook]
    assert list(current.verdicts(GOES_STALE_SECONDS + 1)) == []


def test_the_agents_own_probes_are_told_from_machines() -> None:
    current = CurrentVerdicts()
    assert not current.is_probe(packet("DHCPDISCOVER"))
    current.expect_probe(MAC)
    assert current.is_probe(packet("DHCPDISCOVER"))
    assert current.is_probe(offer())
    assert not current.is_probe(packet("DHCPDISCOVER"))
    assert not current.is_probe(offer())
    current.expect_probe(MAC)
    assert current.is_probe(packet("DHCPDISCOVER", remark="no address available"))
    assert not current.is_probe(offer()), "a refused probe has no offer"
    duid = PROBE_DUID.hex(":")
    assert current.is_probe(packet("DHCPADVERTISE", duid, remark="no addresses available"))


def test_the_space_is_bounded() -> None:
    current = CurrentVerdicts()
    for number in range(3 * MOST_MACHINES):
        mac = f"fa:16:3e:00:{number // 256:02x}:{number % 256:02x}"
        current.hear(offer(f"10.0.{number // 256}.{number % 256}", mac), 0)
        current.hear(LEFT_OUT, 0)
        current.hear(Verdict(Kind.ADDRESS_LEASED, "", address=str(number)), 0)
        current.hear(Verdict(Kind.NO_RANGE, "", interface=str(number)), 0)
        current.hear(Verdict(Kind.HOST_DROPPED, "", file="hosts/x", line=number), 0)
    assert len(list(current.verdicts(0))) <= 3 * MOST_MACHINES + 20
