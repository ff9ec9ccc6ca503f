"""A headless Chromium, used like a person does: by what is visible on the screen."""

from pathlib import Path
from typing import Final

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.waiting import PATIENCE_SECONDS

CHROMIUM: Final = "/usr/bin/chromium"
DRIVER: Final = "/usr/bin/chromedriver"
_STALE: Final = (StaleElementReferenceException,)
"""The page was replaced while it was looked at: look again."""


class Browser:
    """One window on one dashboard."""

    def __init__(self, url: str, pictures: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for argument in (
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--window-size=1400,1000",
        ):
            options.add_argument(argument)
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
        self._url = url
        self._pictures = pictures

    def close(self) -> None:
        self.driver.quit()

    def sign_in(self, user: str, password: str) -> None:
        self.driver.delete_all_cookies()
        self.open("/auth/login/?next=/project/networks/")
        self.write("#id_username", user)
        self.write("#id_password", password)
        self.click("#loginBtn")
        self.see("#networks")

    def open(self, path: str) -> None:
        self.driver.get(self._url + path)

    def see(self, selector: str) -> WebElement:
        """The first visible element; waits for it."""

        def visible(driver: webdriver.Chrome) -> WebElement | None:
            found = driver.find_elements(By.CSS_SELECTOR, selector)
            return next((each for each in found if each.is_displayed()), None)

        try:
            element = self._wait().until(visible)
        except TimeoutException:
            said = f"{selector} is not to be seen; the page says:\n{self.text()}"
            raise AssertionError(said) from None
        assert element is not None
        return element

    def read(self, selector: str) -> str:
        return str(self.see(selector).text)

    def click(self, selector: str) -> None:
        self.see(selector).click()

    def write(self, selector: str, text: str) -> None:
        field = self.see(selector)
        field.clear()
        field.send_keys(text)

    def wait_until_gone(self, selector: str) -> None:
        self._wait().until(
            lambda driver: not driver.find_elements(By.CSS_SELECTOR, selector),
            f"{selector} is still there",
        )

    def wait_for_place(self, url: str) -> None:
        self._wait().until(
            lambda driver: driver.current_url == url, f"the browser did not come to {url}"
        )

    def text(self) -> str:
        """Everything that can be read."""
        return str(self.driver.find_element(By.TAG_NAME, "body").text)

    def complaints(self) -> list[str]:
        """The errors and warnings that the dashboard shows."""
        found = self.driver.find_elements(By.CSS_SELECTOR, ".alert-danger, .alert-warning")
        return [str(each.text) for each in found if each.is_displayed()]

    def picture(self, name: str) -> None:
        """Keep what the window shows now."""
        self.driver.save_screenshot(str(self._pictures / f"{name}.png"))

    def _wait(self) -> WebDriverWait[webdriver.Chrome]:
        return WebDriverWait(self.driver, PATIENCE_SECONDS, ignored_exceptions=_STALE)
